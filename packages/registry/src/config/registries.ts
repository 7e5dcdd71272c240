import { isDeepStrictEqual } from 'node:util';
import type { ClientTlsSelection } from '@archpolicy/tls';
import { LRUCache } from 'lru-cache';
import { parseProviderConfig } from './provider-config.ts';
import type { ProviderConfig } from './provider-config.ts';
import { RegistryError } from '../errors.ts';
import { clusterSharing } from '../hosts/cluster-sharing.ts';
import type { ClusterSharing } from '../hosts/cluster-sharing.ts';
import { createHostMatcher, normalizeHost } from '../hosts/host-pattern.ts';
import type { HostMatcher } from '../hosts/host-pattern.ts';
import { listTlsProblems, selectHostTls } from './host-tls.ts';
import type { HostTls, HostTlsProblem } from './host-tls.ts';
import { describeProblems } from '../yaml/schema-problems.ts';
import { registriesSchema } from './schema.ts';
import type { RegistriesConfig, RegistryConfig } from './schema.ts';
import { parseYamlText } from '../yaml/yaml-text.ts';

/** The maximum size of a ConfigMap. */
export const MAX_REGISTRIES_FILE_BYTES = 1024 * 1024;

/** Maximum number of hosts whose look-up is cached, because tenants choose hosts. */
const MAX_CACHED_HOSTS = 1_000;

/** The label of hosts that the registries file does not name. */
export const OTHER_HOST = 'other';

interface HostSettings {
  readonly entry: RegistryConfig | undefined;
  readonly sharing: ClusterSharing;
}

/** The parsed registries file, with its entries by host. It is immutable, so a reload creates a new object. */
export class Registries {
  readonly config: RegistriesConfig;
  readonly #entries: readonly (readonly [HostMatcher, RegistryConfig])[];
  readonly #files: ReadonlyMap<string, string>;
  readonly #tls: HostTls;
  readonly #settingsByHost = new LRUCache<string, HostSettings>({ max: MAX_CACHED_HOSTS });
  /** Whether the file configures credentials. If not, a pod without pull secrets is anonymous. */
  readonly hasCredentials: boolean;
  /** The credential-provider plugins. */
  readonly providers: readonly ProviderConfig[];

  /**
   * @param files the texts of the files that the configuration names, by path.
   * @param replaced the registries currently in use. Their TLS files stay in use where the new TLS files are unusable
   *   or less usable
   * @throws RegistryError with code RegistriesFile when the configuration of the credential providers is invalid
   */
  constructor(
    config: RegistriesConfig,
    files: ReadonlyMap<string, string> = new Map(),
    replaced?: { readonly current: Registries; readonly nowMs: number },
  ) {
    this.config = config;
    this.#files = files;
    const current: HostTls = replaced === undefined ? new Map() : replaced.current.#tls;
    this.#tls = selectHostTls(config, files, { current, nowMs: replaced?.nowMs ?? 0 });
    const providers = config.credentialProviders?.configFile;
    this.providers = providers === undefined ? [] : parseProviderConfig(files.get(providers) ?? '');
    this.hasCredentials =
      config.dockerConfigFile !== undefined ||
      config.credentialProviders !== undefined ||
      config.registries.some(({ credentialsFile, mirrors }) => credentialsFile !== undefined || mirrors.length > 0);
    const blocking = config.registries.filter(({ blocked }) => blocked);
    // The sort is stable: of two patterns with the same rank, the one as written comes first.
    const entries = [...matchersFor(config.registries), ...matchersFor(blocking, normalizeHost)];
    this.#entries = [
      ...entries.toSorted(([a], [b]) => b.rank - a.rank),
      // The other names of a host come last, so that they do not unblock a host that a wildcard blocks.
      ...matchersFor(config.registries, normalizeHost),
    ];
  }

  /** The hosts of all entries, as `labelFor` returns them. */
  get hosts(): readonly string[] {
    return this.config.registries.map(({ host }) => host.toLowerCase());
  }

  /**
   * Returns the host of the entry that applies, as the registries file writes it, or `other`. Only these texts may be values of
   * a metric label, because tenants choose hosts.
   */
  labelFor(host: string): string {
    return this.entryFor(host)?.host.toLowerCase() ?? OTHER_HOST;
  }

  /**
   * Returns the most specific entry of a host: first an exact host, then a host with any port, then the longest
   * wildcard. If no entry matches the host as written (`host:443`, `10.5`, `registry-1.docker.io`), returns the entry of
   * the normalized host. An entry of the normalized host that blocks the host has precedence in any case.
   */
  entryFor(host: string): RegistryConfig | undefined {
    return this.#settingsFor(host).entry;
  }

  /** Whether the file blocks the images of a registry: by its entry, or because it has none and the default blocks. */
  blocksImagesOf(registry: string): boolean {
    return (this.entryFor(registry) ?? this.config.default).blocked;
  }

  /** Returns which clusters may share what is stored about a host in a common Redis. */
  sharingOf(host: string): ClusterSharing {
    return this.#settingsFor(host).sharing;
  }

  #settingsFor(host: string): HostSettings {
    const cached = this.#settingsByHost.get(host);
    if (cached !== undefined) return cached;
    const lowerCase = host.toLowerCase();
    const asWritten = this.#find(lowerCase);
    const normalized = this.#find(normalizeHost(lowerCase));
    const entry = normalized?.blocked === true ? normalized : (asWritten ?? normalized);
    const settings = { entry, sharing: clusterSharing(host, entry) };
    this.#settingsByHost.set(host, settings);
    return settings;
  }

  #find(host: string): RegistryConfig | undefined {
    return this.#entries.find(([matcher]) => matcher.matches(host))?.[1];
  }

  /** Whether both registries have equal settings, and the files that they name have equal contents. */
  equals(other: Registries): boolean {
    return (
      isDeepStrictEqual(this.config, other.config) &&
      isDeepStrictEqual(this.#files, other.#files) &&
      isDeepStrictEqual(this.#tls, other.#tls)
    );
  }

  /** Returns the TLS files of an entry; undefined when it has none. */
  tlsFor({ host }: RegistryConfig): ClientTlsSelection | undefined {
    return this.#tls.get(host);
  }

  /** The TLS files that are not used. */
  get tlsProblems(): readonly HostTlsProblem[] {
    return listTlsProblems(this.#tls);
  }

  /** Returns the text of a file that the configuration names, as of the time at which the configuration was read. */
  file(path: string): string | undefined {
    return this.#files.get(path);
  }
}

function matchersFor(
  entries: readonly RegistryConfig[],
  toPattern: (host: string) => string = (host) => host,
): (readonly [HostMatcher, RegistryConfig])[] {
  return entries.map((entry) => [createHostMatcher(toPattern(entry.host)), entry]);
}

/** The defaults without a file: HTTPS, address guard on, no credentials except those of pods. */
export const DEFAULT_REGISTRIES = new Registries(registriesSchema.parse({}));

/**
 * Parses the text of a registries file (YAML or JSON).
 * @throws RegistryError with code RegistriesFile; its message names the invalid fields, without their values
 */
export function parseRegistries(text: string): RegistriesConfig {
  if (text.length > MAX_REGISTRIES_FILE_BYTES) throw invalid('the file is larger than 1 MiB');
  const yaml = parseYamlText(text, 'registries file');
  const result = registriesSchema.safeParse(yaml.value ?? {});
  if (result.success) return result.data;
  throw invalid(describeProblems(result.error, yaml));
}

function invalid(why: string): RegistryError {
  return new RegistryError('RegistriesFile', `registries file: ${why}`);
}
