import type { Clock } from '@archpolicy/async';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { SharedStore } from '../cache/shared-store.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { AddressGuardSender } from './address-guard.ts';
import { AuthenticationSender } from './authentication.ts';
import { CircuitBreakerSender } from './circuit-breaker.ts';
import { MetricsSender } from './metrics.ts';
import { PermitSender } from './permit.ts';
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
}

/**
 * Composes all concerns of a request, from the network upwards. Redirect hops and token requests pass the whole
 * lower stack: each is guarded, limited and counted like any other request.
 */
export function buildSender({ network, store, keys, clock, metrics }: SenderParts): Sender {
  // Next to the network, so that every request connects to checked addresses only.
  const guarded = new AddressGuardSender(network);
  // Below everything that may wait or reject, so that each request that the breaker allows is sent and its outcome
  // recorded.
  const breaking = new CircuitBreakerSender(guarded, clock);
  // Above the breaker: waiting for a token must not hold the breaker's single probe.
  const limited = new RateLimitSender(breaking, { store, keys, clock });
  // Wraps the rate limit, so that a background request takes a token only after it has its permit.
  const permitted = new PermitSender(limited);
  // Wraps the permits and the rate limit, so that it also counts the requests that they reject.
  const counted = new MetricsSender(permitted, metrics, clock);
  // Above all limits, because the target of a redirect has its own limits.
  const redirecting = new RedirectSender(counted);
  // Outermost, so that only a challenge of the endpoint itself is answered, never a challenge of a redirect's target.
  return new AuthenticationSender(redirecting, new TokenService(counted, clock), clock);
}
