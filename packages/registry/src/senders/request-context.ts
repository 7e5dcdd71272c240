import type { EndpointCredential } from '../auth/auth-attempt.ts';
import type { Registries } from '../config/registries.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';

/** The context of all requests of one inspection: its reads, their redirects, and its token requests. */
export interface RequestContext {
  /** The registries file at the start of the inspection. */
  readonly registries: Registries;
  /** The endpoint that is read, and the credential for it. */
  readonly attempt: EndpointCredential;
  /** The namespace for which the inspection runs. Absent if there is none. */
  readonly tenant?: string | undefined;
  /** Undefined when a pod waits for the inspection: its requests need no permit. */
  readonly permit: BackgroundPermit | undefined;
  /** Whether the second half of a quota that the registry reports is left to other inspections. */
  readonly leavesQuota?: boolean;
  /** Aborts the requests, and also the reading of discarded bodies after the requests. So it must abort eventually. */
  readonly signal: AbortSignal;
  /** Called when a request is sent with the credential: only holders of that credential may use the response. */
  readonly onCredentialUsed?: () => void;
}
