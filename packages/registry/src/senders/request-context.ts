import type { EndpointCredential } from '../auth/auth-attempt.ts';
import type { Registries } from '../config/registries.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';

/** What all requests of one inspection share: its reads, their redirects, and the token requests that they need. */
export interface RequestContext {
  /** The registries file, as it was when the inspection began. */
  readonly registries: Registries;
  /** The endpoint that is read, and the credential for it. */
  readonly attempt: EndpointCredential;
  /** Undefined when a pod waits for the inspection: its requests need no permit. */
  readonly permit: BackgroundPermit | undefined;
  /** Also bounds how long an unneeded body is read after a request: it must abort eventually. */
  readonly signal: AbortSignal;
  /** Called when a request is sent with the credential: the response is for holders of that credential alone. */
  readonly onCredentialUsed?: () => void;
}
