import type { Clock } from '@archpolicy/async';
import { withoutUndefined } from '@archpolicy/core';
import type { Resolve } from './address-guard/connector.ts';
import { Keyring } from './auth/keyring.ts';
import { PluginCredentials } from './auth/plugins/plugin-credentials.ts';
import { CredentialScopes } from './auth/scopes.ts';
import { ValueCipher } from './cache/encrypted-value.ts';
import { CacheKeys } from './cache/cache-keys.ts';
import type { ClusterId } from './cache/cache-keys.ts';
import { CacheSecret } from './cache/cache-secret.ts';
import { FactCache } from './cache/fact-cache.ts';
import { MemoryCache } from './cache/memory-cache.ts';
import type { MemoryLimits } from './cache/memory-cache.ts';
import { ReplaceableStore } from './cache/replaceable-store.ts';
import { RedisStore } from './cache/redis/store.ts';
import { parseRedisUrl } from './cache/redis/target.ts';
import { NO_SHARED_STORE } from './cache/shared-store.ts';
import type { SharedStore } from './cache/shared-store.ts';
import { fixedRegistries } from './config/registries-file.ts';
import { NO_PROXIES } from './config/proxies.ts';
import type { EnvironmentProxies } from './config/proxies.ts';
import type { RegistriesSource } from './config/registries-file.ts';
import { HostResolver } from './dns/host-resolver.ts';
import { resolveHosts } from './dns/resolve-hosts.ts';
import { HostFailureLog } from './failure-log/host-failure-log.ts';
import { ResponseBodyReader } from './http/response-body.ts';
import { ImageCache } from './inspect/image-cache.ts';
import { ImageInspector } from './inspect/inspector.ts';
import type { Inspector } from './inspect/inspector.ts';
import { LockedFetcher } from './inspect/locked-fetcher.ts';
import { RegistryFetcher } from './inspect/registry-fetcher.ts';
import type { ReaderParts } from './inspect/registry-reader.ts';
import { PlatformChecker } from './inspect/platform-checker.ts';
import { Resolver } from './inspect/resolver.ts';
import { Revalidator } from './inspect/revalidator.ts';
import { SingleFlightFetcher } from './inspect/single-flight-fetcher.ts';
import { BackgroundLimiter } from './limits/background-limiter.ts';
import { NO_LOGGER } from './logger.ts';
import type { Logger } from './logger.ts';
import { NO_METRICS } from './metrics.ts';
import type { RegistryMetrics } from './metrics.ts';
import { buildSender } from './senders/build-sender.ts';
import { NetworkSender } from './senders/network.ts';
import { Pools } from './senders/pools.ts';
import type { HostNames } from './senders/origin-pool.ts';
import type { Sender } from './senders/sender.ts';

export interface RedisOptions {
  /** `redis://…`, `redis+sentinel://…` or `redis+cluster://…`; see `parseRedisUrl`. */
  readonly url: string;
  /** The password, if the URL contains none. */
  readonly password?: string;
  /**
   * The cache key: a secret that is the same in all processes that share this Redis. Values are encrypted with this
   * key: a process without the key can neither read nor change an answer, even if it can use Redis.
   */
  readonly cacheKey: string;
  /** Timeout of a command, milliseconds; 50 by default. It bounds the delay of an inspection when Redis does not answer. */
  readonly commandTimeoutMs?: number;
}

/**
 * Provides what opens Redis, if this is not known at the start or can change. Calls `use` when it is known, and after each
 * change. Until the first call, caches are in memory only, as while Redis is down.
 */
export type RedisSource = (use: (redis: RedisOptions) => void) => void;

export interface InspectorOptions {
  readonly clock: Clock;
  /** The registries file. By default: HTTPS, address guard on, no credentials except those of pods. */
  readonly registries?: RegistriesSource;
  readonly metrics?: RegistryMetrics;
  readonly logger?: Logger;
  /** The environment of credential-provider plugins, in addition to the `env` of their configuration. Empty by default. */
  readonly pluginEnvironment?: Readonly<Record<string, string>>;
  readonly memory?: MemoryLimits;
  /** The Redis that replicas share; by default, caches are in memory only. */
  readonly redis?: RedisOptions | RedisSource;
  /**
   * The identity of this cluster. With Redis, what is stored about hosts that may differ between clusters is shared
   * within this cluster only, and not at all as long as the identity is not known.
   */
  readonly clusterId?: ClusterId;
  /** The proxies of the environment. By default, only those of the registries file are used. */
  readonly proxies?: EnvironmentProxies;
  /** The `User-Agent` of requests; registries reject or limit clients without one. `archpolicy` by default. */
  readonly userAgent?: string;
  /** Resolves the names of hosts. By default, `dns/` does this, by the files and DNS servers of the system. */
  readonly resolve?: Resolve;
  /**
   * The sender that performs the requests after all limits have allowed them. By default, it sends them over the
   * network.
   */
  readonly sender?: Sender;
}

/** Creates an inspector with all its parts. Opens no connection to registries. Call `close()` at the end. */
export function createInspector(options: InspectorOptions): Inspector {
  const {
    clock,
    logger = NO_LOGGER,
    registries = fixedRegistries(),
    metrics = NO_METRICS,
    pluginEnvironment = {},
    userAgent = 'archpolicy',
  } = options;
  const pools = new Pools(options.resolve === undefined ? systemNames(clock) : { resolve: options.resolve });
  const secret = new CacheSecret();
  const store = openStore(options.redis, secret, { clock, metrics, logger });
  const keys = new CacheKeys(secret, options.clusterId);
  const bodies = new ResponseBodyReader(clock);
  const network = options.sender ?? new NetworkSender(pools, bodies, userAgent);
  const proxies = options.proxies ?? NO_PROXIES;
  const failureLog = new HostFailureLog({ logger, metrics, clock, registries });
  const sender = buildSender({ network, store, keys, clock, metrics, proxies, registries });
  const memory = new MemoryCache(options.memory);
  const facts = new FactCache({ memory, store, keys, cipher: new ValueCipher(secret), clock, metrics });
  const cache = new ImageCache(facts, clock);
  const plugins = new PluginCredentials(registries, clock, logger, pluginEnvironment, metrics);
  const keyring = new Keyring(new CredentialScopes(secret), plugins, metrics, failureLog);
  const reading = { sender, metrics, clock };
  const fetcher = buildFetcher(reading, cache, { isShared: facts.isShared, clock });
  const revalidator = new Revalidator(reading, cache, fetcher, clock);
  const resolver = new Resolver({ failureLog, keyring, cache, fetcher, revalidator });
  const platformChecker = new PlatformChecker({ keyring, cache, reading });
  const close = async (): Promise<void> => {
    store.close();
    bodies.close();
    plugins.close();
    await pools.close();
  };
  const backgroundLimiter = new BackgroundLimiter({ store, keys, clock });
  return new ImageInspector({
    cache,
    resolver,
    platformChecker,
    keyring,
    registries,
    failureLog,
    backgroundLimiter,
    clock,
    metrics,
    close,
  });
}

/** Resolves names by the files and DNS servers of the system. */
function systemNames(clock: Clock): HostNames {
  const resolver = new HostResolver({ clock });
  return { resolve: resolveHosts(resolver), isQueued: (hostname) => resolver.isQueued(hostname) };
}

/**
 * Builds a fetcher that runs only one fetch of an image at a time in this process. If replicas share a store, only one
 * of them fetches the image.
 */
function buildFetcher(
  reading: ReaderParts,
  cache: ImageCache,
  { isShared, clock }: { readonly isShared: boolean; readonly clock: Clock },
): SingleFlightFetcher {
  const fetcher = new RegistryFetcher(reading, cache);
  return new SingleFlightFetcher(isShared ? new LockedFetcher(fetcher, cache, clock) : fetcher, fetcher);
}

/** Opens the shared store, at once or when its source provides what opens it, and sets the secret that belongs to it. */
function openStore(
  redis: RedisOptions | RedisSource | undefined,
  secret: CacheSecret,
  parts: { clock: Clock; metrics: RegistryMetrics; logger: Logger },
): SharedStore {
  if (redis === undefined) return NO_SHARED_STORE;
  const store = new ReplaceableStore();
  const use = ({ url, password, cacheKey, commandTimeoutMs }: RedisOptions): void => {
    const target = { ...withoutUndefined({ password }), ...parseRedisUrl(url) };
    store.replace(() => new RedisStore(target, parts, commandTimeoutMs));
    secret.replace(cacheKey);
  };
  parts.metrics.watchRedis(() => false);
  if (typeof redis === 'function') redis(use);
  else use(redis);
  return store;
}
