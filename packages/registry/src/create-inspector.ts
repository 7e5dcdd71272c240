import { randomUUID } from 'node:crypto';
import type { Clock } from '@archpolicy/async';
import type { Resolve } from './address-guard/connector.ts';
import { Authorizer } from './senders/authorizer.ts';
import { Keyring } from './auth/keyring.ts';
import { PluginCredentials } from './auth/plugins/plugin-credentials.ts';
import { CredentialScopes } from './auth/scopes.ts';
import { TokenService } from './senders/token-service.ts';
import { FactCache } from './cache/fact-cache.ts';
import { RedisStore } from './cache/redis/store.ts';
import { parseRedisUrl } from './cache/redis/target.ts';
import { Sealer } from './cache/seal.ts';
import { NO_SHARED_STORE } from './cache/shared-store.ts';
import type { SharedStore } from './cache/shared-store.ts';
import { MemoryCache } from './cache/memory-cache.ts';
import type { MemoryLimits } from './cache/memory-cache.ts';
import { fixedRegistries } from './config/registries-file.ts';
import type { RegistriesSource } from './config/registries-file.ts';
import { Pools } from './senders/pools.ts';
import { RegistryClient } from './senders/registry-client.ts';
import { Transport } from './senders/transport.ts';
import type { Sender } from './senders/transport.ts';
import { ImageInspector } from './inspect/inspector.ts';
import type { Inspector } from './inspect/inspector.ts';
import { Resolver } from './inspect/resolver.ts';
import { BackgroundLimiter } from './limits/background-limiter.ts';
import { LimitedTransport } from './senders/limited-transport.ts';
import { NO_METRICS } from './metrics.ts';
import type { RegistryMetrics } from './metrics.ts';
import { NO_LOGGER } from './logger.ts';
import type { Logger } from './logger.ts';

export interface RedisOptions {
  /** `redis://…`, `redis+sentinel://…` or `redis+cluster://…`; see `parseRedisUrl`. */
  readonly url: string;
  /**
   * The cache key: the same secret in all processes that share this Redis. Values are authenticated with it, so that who
   * can write to Redis cannot make us believe anything.
   */
  readonly cacheKey: string;
  /** How long a command may take, milliseconds; 50 by default, which is what an inspection may lose by a Redis in trouble. */
  readonly commandTimeoutMs?: number;
}

export interface InspectorOptions {
  readonly clock: Clock;
  /** By default: HTTPS everywhere, the address guard on, no credentials of its own. */
  readonly registries?: RegistriesSource;
  readonly metrics?: RegistryMetrics;
  readonly logger?: Logger;
  /** What credential-provider plugins see of an environment beside the `env` of their configuration. Empty by default. */
  readonly pluginEnvironment?: Readonly<Record<string, string>>;
  readonly memory?: MemoryLimits;
  /** A Redis that replicas share; memory only by default. */
  readonly redis?: RedisOptions;
  /** Tells registries who asks; they refuse or limit clients that tell nothing. `archpolicy` by default. */
  readonly userAgent?: string;
  /** Name resolution; the system's by default. */
  readonly resolve?: Resolve;
  /** What sends requests, within all limits; over the network by default. */
  readonly sender?: Sender;
}

/** Puts the parts of an inspector together. Opens no connection; `close()` it when done. */
export function createInspector(options: InspectorOptions): Inspector {
  const {
    clock,
    logger = NO_LOGGER,
    registries = fixedRegistries(),
    metrics = NO_METRICS,
    pluginEnvironment = {},
    userAgent = 'archpolicy',
  } = options;
  const pools = new Pools(options.resolve);
  const cacheKey = options.redis?.cacheKey ?? randomUUID();
  const store = openStore(options.redis, { clock, metrics, logger });
  const sealer = new Sealer(cacheKey);
  const sender = options.sender ?? new Transport(pools, userAgent);
  const transport = new LimitedTransport({ transport: sender, store, sealer, clock });
  const client = new RegistryClient(transport, clock, metrics);
  const authorizer = new Authorizer(new TokenService(transport, clock, metrics), clock);
  const cache = new FactCache({ memory: new MemoryCache(options.memory), store, sealer, clock, metrics });
  const resolver = new Resolver({ client, authorizer, metrics }, cache, clock);
  const plugins = new PluginCredentials(registries, clock, logger, pluginEnvironment, metrics);
  const keyring = new Keyring(new CredentialScopes(cacheKey), plugins, metrics);
  const close = async (): Promise<void> => {
    store.close();
    await pools.close();
  };
  const backgroundLimiter = new BackgroundLimiter({ store, sealer, clock });
  return new ImageInspector({ resolver, keyring, registries, backgroundLimiter, clock, metrics, close });
}

function openStore(
  redis: RedisOptions | undefined,
  parts: { clock: Clock; metrics: RegistryMetrics; logger: Logger },
): SharedStore {
  return redis === undefined
    ? NO_SHARED_STORE
    : new RedisStore(parseRedisUrl(redis.url), parts, redis.commandTimeoutMs);
}
