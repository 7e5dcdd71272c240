import type { Endpoint } from '../config/endpoint.ts';
import type { Credential } from './credential.ts';

/**
 * One way to ask for an image: an endpoint with one credential or none. The scope names who may use what is learnt
 * this way: everyone (`ANONYMOUS_SCOPE`) or holders of the same credential.
 */
export interface Access {
  readonly endpoint: Endpoint;
  readonly scope: string;
  /** Absent: anonymous. */
  readonly credential?: Credential;
}

/** What a registry shows without a credential, it shows to everyone. */
export const ANONYMOUS_SCOPE = 'anonymous';
