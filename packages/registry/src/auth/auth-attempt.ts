import type { Endpoint } from '../config/endpoint.ts';
import type { Credential } from './credential.ts';

/**
 * One attempt to read an image: an endpoint with one credential or none. The scope states which pods may use the result:
 * all pods (`ANONYMOUS_SCOPE`), or only pods with the same credential (K2).
 */
export interface EndpointCredential {
  readonly endpoint: Endpoint;
  readonly scope: string;
  /** Absent if the attempt is anonymous. */
  readonly credential?: Credential;
}

/** The scope of public content, which a registry returns without a credential. */
export const ANONYMOUS_SCOPE = 'anonymous';
