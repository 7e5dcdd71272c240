import type { Resolve } from './address-guard/connector.ts';
import { Authorizer } from './auth/authorizer.ts';
import { Keyring } from './auth/keyring.ts';
import { PluginCredentials } from './auth/plugins/plugin-credentials.ts';
import { CredentialScopes } from './auth/scopes.ts';
import { TokenService } from './auth/token-service.ts';
import { MemoryCache } from './cache/memory-cache.ts';
import type { MemoryLimits } from './cache/memory-cache.ts';
import { fixedRegistries } from './config/registries-file.ts';
import type { RegistriesSource } from './config/registries-file.ts';
import { Pools } from './http/pools.ts';
import { RegistryClient } from './http/registry-client.ts';
import { Transport } from './http/transport.ts';
import { ImageInspector } from './inspect/inspector.ts';
import type { Inspector } from './inspect/inspector.ts';
import { Resolver } from './inspect/resolver.ts';
import { NO_METRICS } from './metrics.ts';
import type { RegistryMetrics } from './metrics.ts';
import { NO_LOGGER } from './ports.ts';
import type { Clock, Logger } from './ports.ts';

export interface InspectorOptions {
  readonly clock: Clock;
  /** By default: HTTPS everywhere, the address guard on, no credentials of its own. */
  readonly registries?: RegistriesSource;
  readonly metrics?: RegistryMetrics;
  readonly logger?: Logger;
  /** What credential-provider plugins see of an environment beside the `env` of their configuration. Empty by default. */
  readonly pluginEnvironment?: Readonly<Record<string, string>>;
  readonly memory?: MemoryLimits;
  /** Name resolution; the system's by default. */
  readonly resolve?: Resolve;
}

/** Puts the parts of an inspector together. Opens no connection; `close()` it when done. */
export function createInspector(options: InspectorOptions): Inspector {
  const {
    clock,
    logger = NO_LOGGER,
    registries = fixedRegistries(),
    metrics = NO_METRICS,
    pluginEnvironment = {},
  } = options;
  const pools = new Pools(options.resolve);
  const transport = new Transport(pools);
  const client = new RegistryClient(transport, clock, metrics);
  const authorizer = new Authorizer(new TokenService(transport, clock, metrics));
  const resolver = new Resolver({ client, authorizer, metrics }, new MemoryCache(options.memory), clock);
  const plugins = new PluginCredentials(registries, clock, logger, pluginEnvironment);
  const keyring = new Keyring(new CredentialScopes(), plugins);
  return new ImageInspector({ resolver, keyring, registries, clock, metrics, close: () => pools.close() });
}
