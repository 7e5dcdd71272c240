import type { Endpoint } from '../config/endpoint.ts';
import type { Credential } from './credential.ts';

/**
 * One attempt to read an image: an endpoint with one credential or none. The scope names the pods that may use what the
 * attempt finds: all (`ANONYMOUS_SCOPE`), or those that have the same credential (K2).
 */
export interface EndpointCredential {
  readonly endpoint: Endpoint;
  readonly scope: string;
  /** Absent: anonymous. */
  readonly credential?: Credential;
}

/** What a registry returns without a credential is public. */
export const ANONYMOUS_SCOPE = 'anonymous';
