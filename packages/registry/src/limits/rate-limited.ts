import { normalizeHost } from '../hosts/host-pattern.ts';

/** The requests to which a rate limit applies that a host reports: those with one credential, or those without any. */
export interface RateLimited {
  /** The host, and the endpoint that led to it if that is another host. */
  readonly target: string;
  /** The scope of the credential: a MAC, or the anonymous scope. */
  readonly scope: string;
}

/**
 * Returns the requests that share the reported limits of a request. If the endpoint led to another host (by a redirect or
 * as its token service), what that host reports counts only for requests that the same endpoint leads there. Otherwise
 * the registry of one tenant could provoke a block of another registry for all tenants.
 */
export function toRateLimited(request: {
  readonly host: string;
  readonly endpointHost: string;
  readonly scope: string;
}): RateLimited {
  const host = normalizeHost(request.host);
  const endpointHost = normalizeHost(request.endpointHost);
  return { target: endpointHost === host ? host : `${host} from ${endpointHost}`, scope: request.scope };
}

/** Returns a text that identifies the requests. */
export function rateLimitedKey({ target, scope }: RateLimited): string {
  return `${target} with ${scope}`;
}
