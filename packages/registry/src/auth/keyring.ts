import { LRUCache } from 'lru-cache';
import type { Registries } from '../config/registries.ts';
import { endpointsFor } from '../config/endpoint.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { failed, fetched } from '../http/outcome.ts';
import type { Fetched } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import { NO_FAILURE_LOG } from '../failure-log/host-failure-log.ts';
import type { HostFailureLog } from '../failure-log/host-failure-log.ts';
import { NO_METRICS } from '../metrics.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { ANONYMOUS_SCOPE } from './auth-attempt.ts';
import type { EndpointCredential } from './auth-attempt.ts';
import type { Credential, PullSecret } from './credential.ts';
import { parseDockerConfig } from './docker-config.ts';
import type { ConfigEntry, DockerConfig } from './docker-config.ts';
import { countUnusable, indexEntries } from './entry-index.ts';
import type { EntryIndex } from './entry-index.ts';
import type { ImageName } from '../image/match-pattern.ts';
import type { CredentialScopes } from './scopes.ts';

/** Provides the credentials of plugins, which are expensive to get. */
export interface ProvidedCredentials {
  /** Returns the cached credentials. */
  cached(imageName: ImageName): readonly Credential[];
  /**
   * Returns all credentials, and runs plugins where necessary. Returns undefined if the signal aborts first, or if too many
   * runs of plugins wait. Never rejects.
   */
  get(imageName: ImageName, use: CredentialUse): Promise<readonly Credential[] | undefined>;
}

/** Who needs a credential, and how long the caller waits. */
export interface CredentialUse {
  /** The namespace whose share of the plugins is used. */
  readonly tenant: string | undefined;
  readonly priority: 'admission' | 'background';
  readonly signal: AbortSignal;
}

/** For a process without plugins. */
export const NO_PROVIDED_CREDENTIALS: ProvidedCredentials = { cached: () => [], get: () => Promise.resolve([]) };

/**
 * Maximum number of credentials that are tried for one image. A pod may name many secrets, and each credential costs
 * requests.
 */
const MAX_CREDENTIALS = 8;
/**
 * Maximum number of entries that are used from all pull secrets of a pod. Tenants write these entries, and each entry
 * may be compared with each image of the pod at every admission.
 */
const MAX_POD_ENTRIES = 256;
/** Maximum number of docker config files that are cached in parsed form. The registries file names these files. */
const MAX_PARSED_FILES = 100;

/** Finds the credentials that apply to an image, in the order in which they are tried (I5). */
export class Keyring {
  readonly #scopes: CredentialScopes;
  readonly #provided: ProvidedCredentials;
  readonly #metrics: RegistryMetrics;
  readonly #failureLog: Pick<HostFailureLog, 'report'>;
  readonly #parsed = new WeakMap<PullSecret, readonly ConfigEntry[]>();
  /** The indexes of pull secrets. The key is the secret if a pod has exactly one, otherwise the list of its secrets. */
  readonly #indexes = new WeakMap<object, EntryIndex>();
  /** By path. */
  readonly #files = new LRUCache<string, { readonly text: string; readonly index: EntryIndex }>({
    max: MAX_PARSED_FILES,
  });

  constructor(
    scopes: CredentialScopes,
    provided: ProvidedCredentials = NO_PROVIDED_CREDENTIALS,
    metrics: RegistryMetrics = NO_METRICS,
    failureLog: Pick<HostFailureLog, 'report'> = NO_FAILURE_LOG,
  ) {
    this.#failureLog = failureLog;
    this.#scopes = scopes;
    this.#provided = provided;
    this.#metrics = metrics;
  }

  /** Returns the credentials in a pod's pull secrets that apply to the image, in the order in which they are tried. */
  podCredentials(image: ParsedImage, pullSecrets: readonly PullSecret[]): readonly Credential[] {
    return pullSecrets.length === 0
      ? []
      : this.#findDistinct(this.#indexPod(pullSecrets, image.host), toImageName(image));
  }

  /**
   * Returns the scopes whose cache entries a pod may use. They are the scopes of the attempts for the pod. A credential
   * of a plugin is considered only if it is cached.
   * @param podCredentials the pod's own credentials for the image
   */
  scopes(image: ParsedImage, podCredentials: readonly Credential[], registries: Registries): readonly string[] {
    if (podCredentials.length === 0 && !registries.hasCredentials) return [ANONYMOUS_SCOPE];
    const provided = this.#provided.cached(toImageName(image));
    return this.#attempts(image, podCredentials, registries, provided).map(({ scope }) => scope);
  }

  /**
   * Returns the attempts to read an image, in the order in which they are made. The list is empty when the registry is
   * blocked. Fails with `Deadline` when the credentials of plugins are not available in time: without them the registry
   * might reject the image.
   * @param podCredentials the pod's own credentials for the image
   */
  async attempts(
    image: ParsedImage,
    podCredentials: readonly Credential[],
    registries: Registries,
    use: CredentialUse,
  ): Promise<Fetched<readonly EndpointCredential[]>> {
    const provided = await this.#provided.get(toImageName(image), use);
    if (provided === undefined) return failed('Deadline');
    return fetched(this.#attempts(image, podCredentials, registries, provided));
  }

  #attempts(
    image: ParsedImage,
    podCredentials: readonly Credential[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly EndpointCredential[] {
    const { registry, repository } = image.reference;
    return endpointsFor(registry, repository, registries).flatMap((endpoint) => {
      const credentials = endpoint.mirror
        ? this.#findForHost({ registry: endpoint.host, repository: endpoint.repository }, registries)
        : this.#upstreamCredentials(toImageName(image), podCredentials, registries, provided);
      return this.#toAttempts(endpoint, credentials);
    });
  }

  #toAttempts(endpoint: Endpoint, credentials: readonly Credential[]): readonly EndpointCredential[] {
    const attempts = credentials.map((credential) => ({
      endpoint,
      credential,
      scope: this.#scopes.scopeFor(credential),
    }));
    const different = new Map(attempts.map((attempt) => [attempt.scope, attempt]));
    return [...[...different.values()].slice(0, MAX_CREDENTIALS), { endpoint, scope: ANONYMOUS_SCOPE }];
  }

  #upstreamCredentials(
    imageName: ImageName,
    podCredentials: readonly Credential[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly Credential[] {
    const { dockerConfigFile } = registries.config;
    return [
      ...podCredentials,
      ...this.#findForHost(imageName, registries),
      ...provided,
      ...this.#findInFile(dockerConfigFile, imageName, registries),
    ];
  }

  #findForHost(imageName: ImageName, registries: Registries): readonly Credential[] {
    return this.#findInFile(registries.entryFor(imageName.registry)?.credentialsFile, imageName, registries);
  }

  #findInFile(path: string | undefined, imageName: ImageName, registries: Registries): readonly Credential[] {
    const text = path === undefined ? undefined : registries.file(path);
    if (path === undefined || text === undefined) return [];
    const cached = this.#files.get(path);
    const index = cached?.text === text ? cached.index : this.#indexFile(path, text, imageName.registry);
    return this.#findDistinct(index, imageName);
  }

  #indexFile(path: string, text: string, host: string): EntryIndex {
    const source = `file ${path}`;
    const config = parseDockerConfig(text, 'kubernetes.io/dockerconfigjson', source);
    if (config.hasOnlyHelpers === true) this.#failureLog.report(host, 'credential-helpers-only', source);
    const index = indexEntries(config, this.#metrics);
    this.#files.set(path, { text, index });
    return index;
  }

  /** Returns the first `MAX_CREDENTIALS` distinct credentials that apply to the image. Does not search for more. */
  #findDistinct(index: EntryIndex, imageName: ImageName): readonly Credential[] {
    const distinct = new Map<string, Credential>();
    for (const credential of index.find(imageName)) {
      distinct.set(this.#scopes.scopeFor(credential), credential);
      if (distinct.size === MAX_CREDENTIALS) break;
    }
    return [...distinct.values()];
  }

  /** @param host the host of the image, for the log */
  #indexPod(secrets: readonly PullSecret[], host: string): EntryIndex {
    const [only] = secrets;
    const key = only !== undefined && secrets.length === 1 ? only : secrets;
    const cached = this.#indexes.get(key);
    if (cached !== undefined) return cached;
    const index = indexEntries(this.#parsePod(secrets, host), this.#metrics);
    this.#indexes.set(key, index);
    return index;
  }

  #parsePod(secrets: readonly PullSecret[], host: string): DockerConfig {
    const entries: ConfigEntry[] = [];
    let unused = 0;
    for (const secret of secrets) {
      // Do not parse secrets beyond the last entry that is used.
      if (entries.length === MAX_POD_ENTRIES) break;
      const all = this.#parse(secret, host);
      const used = all.slice(0, MAX_POD_ENTRIES - entries.length);
      entries.push(...used);
      unused += all.length - used.length;
    }
    return { entries, unusable: Array.from({ length: unused }, () => 'too-many-keys') };
  }

  #parse(secret: PullSecret, host: string): readonly ConfigEntry[] {
    const cached = this.#parsed.get(secret);
    if (cached !== undefined) return cached;
    const source = describeSecret(secret);
    const { entries, unusable, hasOnlyHelpers } = parseDockerConfig(secret.json, secret.type, source);
    if (hasOnlyHelpers === true) this.#failureLog.report(host, 'credential-helpers-only', source);
    countUnusable(unusable, this.#metrics);
    this.#parsed.set(secret, entries);
    return entries;
  }
}

function describeSecret({ namespace, name }: PullSecret): string | undefined {
  return name === undefined ? undefined : `Secret ${namespace ?? ''}/${name}`;
}

function toImageName({ reference }: ParsedImage): ImageName {
  return { registry: reference.registry.toLowerCase(), repository: reference.repository };
}
