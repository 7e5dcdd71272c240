import type { Clock } from '@archpolicy/async';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { SharedStore } from '../cache/shared-store.ts';
import { NO_PROXIES } from '../config/proxies.ts';
import type { EnvironmentProxies } from '../config/proxies.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { fixedRegistries } from '../config/registries-file.ts';
import type { RegistriesSource } from '../config/registries-file.ts';
import { AddressGuardSender } from './address-guard.ts';
import { AuthenticationSender } from './authentication.ts';
import { CircuitBreakerSender } from './circuit-breaker.ts';
import { DurationSender } from './duration.ts';
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
  /** The entries by which open circuit breakers are counted. */
  readonly registries?: RegistriesSource;
}

/**
 * Composes the senders, one for each concern of a request, from the innermost (the network) to the outermost. Each
 * redirect hop and each token request also passes the guard, the limits and the metrics, like any other request.
 */
export function buildSender(parts: SenderParts): Sender {
  const { network, store, keys, clock, metrics, proxies = NO_PROXIES, registries = fixedRegistries() } = parts;
  // Wraps the network directly, so that it measures the network and not the wait for limits.
  const timed = new DurationSender(network, metrics, clock);
  // No other sender is nearer to the network, so that every request connects to checked addresses only.
  const guarded = new AddressGuardSender(timed, proxies);
  // All senders that may wait or reject wrap the breaker, so that each request that the breaker allows is sent, and its
  // outcome is recorded.
  const breaking = new CircuitBreakerSender(guarded, clock);
  metrics.watchCircuits(() => breaking.countOpen(registries.current()));
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
