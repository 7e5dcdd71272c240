import { join } from 'node:path';
import { KeyedConcurrencyLimit, SharedWork, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { RegistriesSource } from '../../config/registries-file.ts';
import { NO_METRICS } from '../../metrics.ts';
import type { RegistryMetrics } from '../../metrics.ts';
import type { Logger } from '../../logger.ts';
import type { Credential } from '../credential.ts';
import { indexEntries, NO_ENTRIES } from '../entry-index.ts';
import type { EntryIndex } from '../entry-index.ts';
import type { ImageName } from '../../image/match-pattern.ts';
import type { CredentialUse, ProvidedCredentials } from '../keyring.ts';
import { PLUGIN_SHARES, PROCESS_LIMIT } from './plugin-limits.ts';
import { parsePluginResponse } from './plugin-response.ts';
import type { PluginResponse } from './plugin-response.ts';
import type { ProviderConfig } from '../../config/provider-config.ts';
import { runPlugin } from './run-plugin.ts';

interface CachedEntries {
  readonly entries: EntryIndex;
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

/**
 * Maximum number of cached responses. There can be one response for each image or registry, and tenants choose images
 * and registries.
 */
const MAX_CACHED = 1_000;
/** How long a failure of a plugin is cached, so that the plugin is not run again for every pod. */
const FAILED_TTL_MS = 30_000;

const GLOBAL = '*';

/** Identifies a plugin and the registry whose credentials it returns. */
function hostKey({ name }: ProviderConfig, { registry }: ImageName): string {
  return `${name} ${registry}`;
}

/**
 * Gets credentials from the kubelet's credential-provider plugins. Caches each response under the key type and for the
 * duration that the response states (I5).
 */
export class PluginCredentials implements ProvidedCredentials {
  readonly #registries: RegistriesSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #metrics: RegistryMetrics;
  readonly #cache = new LRUCache<string, CachedEntries>({ max: MAX_CACHED });
  readonly #work: SharedWork<CredentialUse['priority'], EntryIndex>;
  /** Counts a process until it has ended, also if its work was aborted earlier. */
  readonly #processes = new KeyedConcurrencyLimit(PROCESS_LIMIT);
  readonly #closed = new AbortController();

  /**
   * @param environment variables for all plugins, such as the cloud's role variables, in addition to the `env` of their
   *   configuration
   */
  constructor(
    registries: RegistriesSource,
    clock: Clock,
    logger: Logger,
    environment: Readonly<Record<string, string>>,
    metrics: RegistryMetrics = NO_METRICS,
  ) {
    this.#registries = registries;
    this.#clock = clock;
    this.#logger = logger;
    this.#environment = environment;
    this.#metrics = metrics;
    this.#work = new SharedWork({ ...PLUGIN_SHARES, clock });
  }

  cached(imageName: ImageName): readonly Credential[] {
    return this.#providersFor(imageName).flatMap((provider) => [
      ...(this.#getCached(provider, imageName)?.find(imageName) ?? []),
    ]);
  }

  async get(imageName: ImageName, use: CredentialUse): Promise<readonly Credential[] | undefined> {
    const providers = this.#providersFor(imageName);
    const indexes = await Promise.all(providers.map((provider) => this.#getEntries(provider, imageName, use)));
    const known = indexes.filter((index) => index !== undefined);
    return known.length < indexes.length ? undefined : known.flatMap((index) => [...index.find(imageName)]);
  }

  /** Ends all plugins that run. */
  close(): void {
    this.#closed.abort();
  }

  #providersFor(imageName: ImageName): readonly ProviderConfig[] {
    const { providers } = this.#registries.current();
    return providers.filter(({ matchImages }) => matchImages.matches(imageName));
  }

  #getCached({ name }: ProviderConfig, imageName: ImageName): EntryIndex | undefined {
    const now = this.#clock.monotonic();
    const keys = [`${imageName.registry}/${imageName.repository}`, imageName.registry, GLOBAL];
    return keys
      .map((key) => this.#cache.get(`${name} ${key}`))
      .find((cached) => cached !== undefined && cached.untilMs > now)?.entries;
  }

  /** Returns the cached entries, or waits until the plugin has run. Returns undefined if the signal aborts first. */
  async #getEntries(
    provider: ProviderConfig,
    imageName: ImageName,
    { tenant = '', priority, signal }: CredentialUse,
  ): Promise<EntryIndex | undefined> {
    const cached = this.#getCached(provider, imageName);
    if (cached !== undefined) return cached;
    const group = hostKey(provider, imageName);
    const key = `${priority} ${group}/${imageName.repository}`;
    // One run for a host often provides the credentials of all its images.
    const pools = () => [{ name: group, size: 1 }];
    const request = { key, priority, tenant, group, isKept: false, pools };
    const joined = this.#work.join(request, (yielded) => this.#runUnlessCached(provider, imageName, yielded));
    if (joined === undefined) return undefined;
    try {
      const waited = await waitUnlessAborted(joined.result, signal);
      return waited.kind === 'done' ? waited.value : undefined;
    } finally {
      joined.leave();
    }
  }

  /** Runs the plugin, unless another run has provided the credentials while this one waited. */
  async #runUnlessCached(provider: ProviderConfig, imageName: ImageName, yielded: AbortSignal): Promise<EntryIndex> {
    const signal = AbortSignal.any([yielded, this.#closed.signal]);
    const run = (): Promise<EntryIndex> =>
      signal.aborted ? Promise.resolve(NO_ENTRIES) : this.#run(provider, imageName, signal);
    const slot = { priority: 'plugin', key: hostKey(provider, imageName), item: imageName.repository } as const;
    const cached = this.#getCached(provider, imageName);
    return cached ?? this.#processes.run(slot, run) ?? NO_ENTRIES;
  }

  async #run(provider: ProviderConfig, imageName: ImageName, signal: AbortSignal): Promise<EntryIndex> {
    const directory = this.#registries.current().config.credentialProviders?.binDirectory ?? '';
    const { apiVersion, name, args, env } = provider;
    const image = `${imageName.registry}/${imageName.repository}`;
    const input = JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image });
    const output = await runPlugin({
      file: join(directory, name),
      args,
      env: { ...this.#environment, ...env },
      input,
      signal,
    });
    // Work that was aborted has no result, and is repeated if an inspection still waits for it.
    if (signal.aborted) return NO_ENTRIES;
    const response = output === undefined ? undefined : parsePluginResponse(output, apiVersion, `plugin ${name}`);
    if (response === undefined) this.#logger.warn({ provider: name }, 'credential provider failed');
    const entries = response === undefined ? NO_ENTRIES : indexEntries(response, this.#metrics);
    this.#store(provider, imageName, entries, response);
    return entries;
  }

  #store(provider: ProviderConfig, imageName: ImageName, entries: EntryIndex, response?: PluginResponse): void {
    const image = `${imageName.registry}/${imageName.repository}`;
    const keys = { Image: image, Registry: imageName.registry, Global: GLOBAL };
    const key = response === undefined ? image : keys[response.cacheKeyType];
    const ttlMs = response === undefined ? FAILED_TTL_MS : (response.cacheMs ?? provider.defaultCacheMs);
    this.#cache.set(`${provider.name} ${key}`, {
      entries,
      untilMs: this.#clock.monotonic() + ttlMs,
    });
  }
}
