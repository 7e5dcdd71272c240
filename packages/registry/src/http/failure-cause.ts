import type { ErrorStatus } from './error-status.ts';

/** The kinds of causes. They are a closed set: the values of the log field `cause` and of a metric label. */
export type FailureCauseKind =
  /** The server answered with an error status. */
  | 'unauthorized'
  | 'not-found'
  | 'rate-limited'
  | 'request-rejected'
  | 'server-error'
  /** The configured request limit would delay the request too long. */
  | 'request-limit'
  | 'circuit-breaker'
  /** There is no connection. */
  | 'dns'
  | 'connection'
  | 'tls'
  | 'proxy'
  /** There was no response for several seconds. */
  | 'timeout'
  /** The response or its content cannot be used. */
  | 'invalid-response'
  | 'response-too-large'
  | 'digest-mismatch'
  | 'redirect-refused'
  /** The address guard or the registries file does not allow the request. */
  | 'address-guard'
  | 'blocked-host'
  /** The registry names a token service to which no credential may be sent (I6). */
  | 'token-service-url-relative'
  | 'token-service-url-invalid'
  | 'token-service-plain-http'
  | 'token-service-blocked'
  | 'token-service-redirects'
  /** A docker config has only `credHelpers` or `credsStore`, which are not run. */
  | 'credential-helpers-only'
  /** The credential has a kind that the registry does not accept. */
  | 'credential-kind';

/** The place of the failure: the registry itself, or a server that the registry named. */
export type FailurePlace = 'token-service' | 'redirect-target';

/**
 * Why a request failed, for the log and metrics. Contains constants, numbers and names of hosts only: no text of a response
 * and no part of a credential.
 */
export interface FailureCause {
  readonly kind: FailureCauseKind;
  /** The status of the response. */
  readonly status?: number;
  /** The code of a connection error, of a closed set. */
  readonly code?: string;
  /** The range of the address guard that contains the address. */
  readonly rule?: string;
  /** Absent if the registry itself failed. */
  readonly server?: { readonly place: FailurePlace; readonly host: string };
}

const KINDS_BY_STATUS: Readonly<Record<ErrorStatus, FailureCauseKind>> = {
  unauthorized: 'unauthorized',
  'not-found': 'not-found',
  'rate-limited': 'rate-limited',
  rejected: 'request-rejected',
  unavailable: 'server-error',
};

/** Returns the cause of a failure that an error status led to. */
export function statusCause(status: number, meaning: ErrorStatus, redirectedTo?: string): FailureCause {
  const server =
    redirectedTo === undefined ? {} : { server: { place: 'redirect-target' as const, host: redirectedTo } };
  return { kind: KINDS_BY_STATUS[meaning], status, ...server };
}
