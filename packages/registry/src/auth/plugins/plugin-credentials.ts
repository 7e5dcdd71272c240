import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { RegistriesSource } from '../../config/registries-file.ts';
import { Flights } from '../../inspect/flights.ts';
import type { Clock, Logger } from '../../ports.ts';
import type { Credential } from '../credential.ts';
import type { ConfigEntry } from '../docker-config.ts';
import { matches } from '../image-match.ts';
import type { ImagePlace } from '../image-match.ts';
import type { ProvidedCredentials } from '../keyring.ts';
import { parsePluginResponse } from './plugin-response.ts';
import type { PluginResponse } from './plugin-response.ts';
import type { ProviderConfig } from './provider-config.ts';
import { runPlugin } from './run-plugin.ts';

interface Kept {
  readonly entries: readonly ConfigEntry[];
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

/** One answer for each image or registry that pods name: bounded like everything that tenants choose. */
const MAX_KEPT = 1_000;
/** A plugin that failed is not run again for every pod. */
const FAILED_TTL_MS = 30_000;

const GLOBAL = '*';

/** Credentials of the kubelet's credential-provider plugins, kept as long and as widely as each answer says (I5). */
export class PluginCredentials implements ProvidedCredentials {
  readonly #registries: RegistriesSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #kept = new LRUCache<string, Kept>({ max: MAX_KEPT });
  readonly #flights = new Flights<readonly ConfigEntry[]>();

  /** @param environment what plugins see beside the `env` of their configuration, such as the cloud's role variables. */
  constructor(
    registries: RegistriesSource,
    clock: Clock,
    logger: Logger,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#registries = registries;
    this.#clock = clock;
    this.#logger = logger;
    this.#environment = environment;
  }

  cached(place: ImagePlace): readonly Credential[] {
    return pick(
      this.#providersFor(place).flatMap((provider) => this.#keptFor(provider, place) ?? []),
      place,
    );
  }

  async get(place: ImagePlace, signal: AbortSignal): Promise<readonly Credential[]> {
    const providers = this.#providersFor(place);
    const entries = await Promise.all(providers.map((provider) => this.#entriesOf(provider, place, signal)));
    return pick(entries.flat(), place);
  }

  #providersFor(place: ImagePlace): readonly ProviderConfig[] {
    const { providers } = this.#registries.current();
    return providers.filter(({ matchImages }) => matchImages.some((pattern) => matches(pattern, place)));
  }

  #keptFor({ name }: ProviderConfig, place: ImagePlace): readonly ConfigEntry[] | undefined {
    const now = this.#clock.monotonic();
    const keys = [`${place.registry}/${place.repository}`, place.registry, GLOBAL];
    return keys.map((key) => this.#kept.get(`${name} ${key}`)).find((kept) => kept !== undefined && kept.untilMs > now)
      ?.entries;
  }

  #entriesOf(provider: ProviderConfig, place: ImagePlace, signal: AbortSignal): Promise<readonly ConfigEntry[]> {
    const kept = this.#keptFor(provider, place);
    if (kept !== undefined) return Promise.resolve(kept);
    const key = `${provider.name} ${place.registry}/${place.repository}`;
    return this.#flights.join(key, () => this.#run(provider, place, signal));
  }

  async #run(provider: ProviderConfig, place: ImagePlace, signal: AbortSignal): Promise<readonly ConfigEntry[]> {
    const directory = this.#registries.current().config.credentialProviders?.binDirectory ?? '';
    const { apiVersion, name, args, env } = provider;
    const image = `${place.registry}/${place.repository}`;
    const input = JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image });
    const output = await runPlugin({
      file: join(directory, name),
      args,
      env: { ...this.#environment, ...env },
      input,
      signal,
    });
    const response = output === undefined ? undefined : parsePluginResponse(output, apiVersion);
    if (response === undefined) this.#logger.warn({ provider: name }, 'credential provider failed');
    this.#keep(provider, place, response);
    return response?.entries ?? [];
  }

  #keep(provider: ProviderConfig, place: ImagePlace, response: PluginResponse | undefined): void {
    const image = `${place.registry}/${place.repository}`;
    const keys = { Image: image, Registry: place.registry, Global: GLOBAL };
    const key = response === undefined ? image : keys[response.cacheKeyType];
    const ttlMs = response === undefined ? FAILED_TTL_MS : (response.cacheMs ?? provider.defaultCacheMs);
    this.#kept.set(`${provider.name} ${key}`, {
      entries: response?.entries ?? [],
      untilMs: this.#clock.monotonic() + ttlMs,
    });
  }
}

function pick(entries: readonly ConfigEntry[], place: ImagePlace): readonly Credential[] {
  return entries.filter(({ pattern }) => matches(pattern, place)).map(({ credential }) => credential);
}
