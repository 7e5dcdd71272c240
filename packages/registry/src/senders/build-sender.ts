import type { Clock } from '@archpolicy/async';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { SharedStore } from '../cache/shared-store.ts';
import { NO_PROXIES } from '../config/proxies.ts';
import type { EnvironmentProxies } from '../config/proxies.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { AddressGuardSender } from './address-guard.ts';
import { AuthenticationSender } from './authentication.ts';
import { CircuitBreakerSender } from './circuit-breaker.ts';
import { MetricsSender } from './metrics.ts';
import { PermitSender } from './permit.ts';
import { QuotaReserveSender } from './quota-reserve.ts';
import { RateLimitSender } from './rate-limit.ts';
import { RedirectSender } from './redirect.ts';
import type { Sender } from './sender.ts';
import { TokenService } from './token-service.ts';

interface SenderParts {
  /** Sends requests over the network. */
  readonly network: Sender;
  readonly store: SharedStore;
  readonly keys: CacheKeys;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  /** The proxies of the environment. */
  readonly proxies?: EnvironmentProxies;
}

/**
 * Composes the senders, one for each concern of a request, from the innermost (the network) to the outermost. Each
 * redirect hop and each token request also passes the guard, the limits and the metrics, like any other request.
 */
export function buildSender({ network, store, keys, clock, metrics, proxies = NO_PROXIES }: SenderParts): Sender {
  // Wraps the network directly, so that every request connects to checked addresses only.
  const guarded = new AddressGuardSender(network, proxies);
  // All senders that may wait or reject wrap the breaker, so that each request that the breaker allows is sent, and its
  // outcome is recorded.
  const breaking = new CircuitBreakerSender(guarded, clock);
  // Wraps the breaker, so that a request that waits for a token does not hold the breaker's single probe.
  const limited = new RateLimitSender(breaking, { store, keys, clock });
  // Wraps the rate limit, so that a background request takes a token only after it has its permit.
  const permitted = new PermitSender(limited);
  // Wraps the permits, so that a request that is not sent takes none.
  const reserving = new QuotaReserveSender(permitted, clock);
  // Wraps the permits and the rate limit, so that it also counts the requests that they reject.
  const counted = new MetricsSender(reserving, metrics, clock);
  // Wraps all limits, because the target of a redirect has its own limits.
  const redirecting = new RedirectSender(counted);
  // Wraps the redirects, so that only a challenge of the endpoint itself is answered, never a challenge of a redirect's
  // target.
  return new AuthenticationSender(redirecting, new TokenService(counted, clock), clock);
}
