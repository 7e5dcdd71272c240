import { isDeepStrictEqual } from 'node:util';
import type { ClientTlsSelection } from '@archpolicy/tls';
import { LRUCache } from 'lru-cache';
import { parseProviderConfig } from './provider-config.ts';
import type { ProviderConfig } from './provider-config.ts';
import { RegistryError } from '../errors.ts';
import { hostMatcher, normalHost } from '../hosts/host-pattern.ts';
import type { HostMatcher } from '../hosts/host-pattern.ts';
import { listTlsProblems, selectHostTls } from './host-tls.ts';
import type { HostTls, HostTlsProblem } from './host-tls.ts';
import { describeProblems } from '../yaml/schema-problems.ts';
import { registriesSchema } from './schema.ts';
import type { RegistriesConfig, RegistryConfig } from './schema.ts';
import { parseYamlText } from '../yaml/yaml-text.ts';

/** A ConfigMap holds at most 1 MiB. */
export const MAX_REGISTRIES_FILE_BYTES = 1024 * 1024;

/** Tenants choose hosts, so the look-ups that are remembered are bounded. */
const MAX_CACHED_HOSTS = 1_000;

/** The registries file, with its entries by host. Immutable: a reload creates a new one. */
export class Registries {
  readonly config: RegistriesConfig;
  readonly #entries: readonly (readonly [HostMatcher, RegistryConfig])[];
  readonly #files: ReadonlyMap<string, string>;
  readonly #tls: HostTls;
  readonly #found = new LRUCache<string, { readonly entry: RegistryConfig | undefined }>({ max: MAX_CACHED_HOSTS });
  /** Whether any credential comes from here: if not, a pod without pull secrets is anonymous. */
  readonly hasCredentials: boolean;
  /** Credential-provider plugins. */
  readonly providers: readonly ProviderConfig[];

  /**
   * @param files the texts of the files that the configuration names, by path.
   * @param replaced what is in use until now: its TLS files stay in use where the new ones are worse.
   * @throws RegistryError with code RegistriesFile when the credential providers' configuration is none
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
    const entries = config.registries.flatMap((entry) =>
      toPatterns(entry).map((pattern) => [hostMatcher(pattern), entry] as const),
    );
    this.#entries = entries.toSorted(([a], [b]) => b.rank - a.rank);
  }

  /**
   * The most specific entry for a host: exact, then any port, then a wildcard; of two wildcards the longer one. A host
   * written in another way (`host:443`, `10.5`) has the entry of its usual form as well, and that one's if it blocks.
   */
  entryFor(host: string): RegistryConfig | undefined {
    const cached = this.#found.get(host);
    if (cached !== undefined) return cached.entry;
    const wanted = host.toLowerCase();
    const asWritten = this.#find(wanted);
    const usual = this.#find(normalHost(wanted));
    const entry = usual?.blocked === true ? usual : (asWritten ?? usual);
    this.#found.set(host, { entry });
    return entry;
  }

  #find(host: string): RegistryConfig | undefined {
    return this.#entries.find(([matcher]) => matcher.matches(host))?.[1];
  }

  /** Whether both have the same settings, and the same contents of the files that they name and use. */
  equals(other: Registries): boolean {
    return (
      isDeepStrictEqual(this.config, other.config) &&
      isDeepStrictEqual(this.#files, other.#files) &&
      isDeepStrictEqual(this.#tls, other.#tls)
    );
  }

  /** The TLS files for connections to the host of an entry; undefined when the entry names none. */
  tlsFor({ host }: RegistryConfig): ClientTlsSelection | undefined {
    return this.#tls.get(host);
  }

  /** TLS files that are not used. */
  get tlsProblems(): readonly HostTlsProblem[] {
    return listTlsProblems(this.#tls);
  }

  /** The text of a file that the configuration names, as it was when the configuration was read. */
  file(path: string): string | undefined {
    return this.#files.get(path);
  }
}

/** What is blocked is so under every spelling of it. */
function toPatterns({ host, blocked }: RegistryConfig): readonly string[] {
  return blocked ? [...new Set([host, normalHost(host)])] : [host];
}

/** Without a file: HTTPS everywhere, the guard on, no credentials of its own. */
export const DEFAULT_REGISTRIES = new Registries(registriesSchema.parse({}));

/**
 * Parses the text of a registries file (YAML or JSON).
 * @throws RegistryError with code RegistriesFile; its message names the fields at fault and none of their values.
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
