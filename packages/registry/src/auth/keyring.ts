import { LRUCache } from 'lru-cache';
import type { Registries } from '../config/registries.ts';
import { endpointsFor } from '../config/endpoint.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { Subject } from '../image/image-key.ts';
import { NO_METRICS } from '../metrics.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { ANONYMOUS_SCOPE } from './access.ts';
import type { Access } from './access.ts';
import type { Credential, PullSecret } from './credential.ts';
import { parseDockerConfig } from './docker-config.ts';
import type { ConfigEntry, DockerConfig } from './docker-config.ts';
import { countUnusable, indexEntries } from './entry-index.ts';
import type { EntryIndex } from './entry-index.ts';
import type { ImagePlace } from '../image/match-pattern.ts';
import type { CredentialScopes } from './scopes.ts';

/** Credentials that take an effort to get: the plugins. */
export interface ProvidedCredentials {
  /** Those at hand, without any effort. */
  cached(place: ImagePlace): readonly Credential[];
  /** All of them; runs what has to run. Never rejects. */
  get(place: ImagePlace, signal: AbortSignal): Promise<readonly Credential[]>;
}

/** Without plugins. */
export const NOTHING_PROVIDED: ProvidedCredentials = { cached: () => [], get: () => Promise.resolve([]) };

/** Credentials tried for one image at most: a pod may name many secrets, each costs requests. */
const MAX_CREDENTIALS = 8;
/**
 * Entries of a pod's pull secrets that are used, over all of them; the rest are left out. A tenant writes them, and each may
 * be compared with each of the pod's images at every admission.
 */
const MAX_POD_ENTRIES = 256;
/** Docker config files that are kept parsed: those of the registries file. */
const MAX_PARSED_FILES = 100;

/** Knows which credentials are meant for an image, and in which order they are tried (I5). */
export class Keyring {
  readonly #scopes: CredentialScopes;
  readonly #provided: ProvidedCredentials;
  readonly #metrics: RegistryMetrics;
  readonly #parsed = new WeakMap<PullSecret, readonly ConfigEntry[]>();
  /** By the secret of a pod that names one, else by the list of a pod's secrets. */
  readonly #ofSecrets = new WeakMap<object, EntryIndex>();
  readonly #files = new LRUCache<string, EntryIndex>({ max: MAX_PARSED_FILES });

  constructor(
    scopes: CredentialScopes,
    provided: ProvidedCredentials = NOTHING_PROVIDED,
    metrics: RegistryMetrics = NO_METRICS,
  ) {
    this.#scopes = scopes;
    this.#provided = provided;
    this.#metrics = metrics;
  }

  /** The credentials in a pod's pull secrets that are meant for the image, in the order in which they are tried. */
  ofPod(subject: Subject, pullSecrets: readonly PullSecret[]): readonly Credential[] {
    return pullSecrets.length === 0 ? [] : this.#find(this.#indexOfPod(pullSecrets), placeOf(subject));
  }

  /**
   * The scopes whose knowledge a pod may use, without any effort: what its accesses would be.
   * @param ofPod the pod's own credentials for the image
   */
  scopes(subject: Subject, ofPod: readonly Credential[], registries: Registries): readonly string[] {
    if (ofPod.length === 0 && !registries.hasCredentials) return [ANONYMOUS_SCOPE];
    const provided = this.#provided.cached(placeOf(subject));
    return this.#accesses(subject, ofPod, registries, provided).map(({ scope }) => scope);
  }

  /**
   * The ways to ask for an image, in the order in which they are tried; none when its registry is blocked.
   * @param ofPod the pod's own credentials for the image
   */
  async accesses(
    subject: Subject,
    ofPod: readonly Credential[],
    registries: Registries,
    signal: AbortSignal,
  ): Promise<readonly Access[]> {
    const provided = await this.#provided.get(placeOf(subject), signal);
    return this.#accesses(subject, ofPod, registries, provided);
  }

  #accesses(
    subject: Subject,
    ofPod: readonly Credential[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly Access[] {
    const { registry, repository } = subject.reference;
    return endpointsFor(registry, repository, registries).flatMap((endpoint) => {
      const credentials = endpoint.mirror
        ? this.#ofRegistriesFile({ registry: endpoint.host, repository: endpoint.repository }, registries)
        : this.#ofUpstream(placeOf(subject), ofPod, registries, provided);
      return this.#ways(endpoint, credentials);
    });
  }

  #ways(endpoint: Endpoint, credentials: readonly Credential[]): readonly Access[] {
    const ways = credentials.map((credential) => ({ endpoint, credential, scope: this.#scopes.of(credential) }));
    const different = new Map(ways.map((way) => [way.scope, way]));
    return [...[...different.values()].slice(0, MAX_CREDENTIALS), { endpoint, scope: ANONYMOUS_SCOPE }];
  }

  #ofUpstream(
    place: ImagePlace,
    ofPod: readonly Credential[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly Credential[] {
    const { dockerConfigFile } = registries.config;
    return [
      ...ofPod,
      ...this.#ofRegistriesFile(place, registries),
      ...provided,
      ...this.#ofFile(dockerConfigFile, place, registries),
    ];
  }

  #ofRegistriesFile(place: ImagePlace, registries: Registries): readonly Credential[] {
    return this.#ofFile(registries.entryFor(place.registry)?.credentialsFile, place, registries);
  }

  #ofFile(path: string | undefined, place: ImagePlace, registries: Registries): readonly Credential[] {
    const text = path === undefined ? undefined : registries.file(path);
    if (text === undefined) return [];
    const known = this.#files.get(text) ?? this.#readFile(text);
    return this.#find(known, place);
  }

  #readFile(text: string): EntryIndex {
    const index = indexEntries(parseDockerConfig(text, 'kubernetes.io/dockerconfigjson'), this.#metrics);
    this.#files.set(text, index);
    return index;
  }

  /** The first distinct credentials that are meant for the image; the search ends with them. */
  #find(index: EntryIndex, place: ImagePlace): readonly Credential[] {
    const distinct = new Map<string, Credential>();
    for (const credential of index.find(place)) {
      distinct.set(this.#scopes.of(credential), credential);
      if (distinct.size === MAX_CREDENTIALS) break;
    }
    return [...distinct.values()];
  }

  #indexOfPod(secrets: readonly PullSecret[]): EntryIndex {
    const [only] = secrets;
    const key = only !== undefined && secrets.length === 1 ? only : secrets;
    const known = this.#ofSecrets.get(key);
    if (known !== undefined) return known;
    const index = indexEntries(this.#entriesOfPod(secrets), this.#metrics);
    this.#ofSecrets.set(key, index);
    return index;
  }

  #entriesOfPod(secrets: readonly PullSecret[]): DockerConfig {
    const entries: ConfigEntry[] = [];
    let unused = 0;
    for (const secret of secrets) {
      // Parsing costs as well: secrets beyond the last entry that is used are not.
      if (entries.length === MAX_POD_ENTRIES) break;
      const all = this.#entriesOf(secret);
      const used = all.slice(0, MAX_POD_ENTRIES - entries.length);
      entries.push(...used);
      unused += all.length - used.length;
    }
    return { entries, unusable: Array.from({ length: unused }, () => 'too-many-keys') };
  }

  #entriesOf(secret: PullSecret): readonly ConfigEntry[] {
    const known = this.#parsed.get(secret);
    if (known !== undefined) return known;
    const { entries, unusable } = parseDockerConfig(secret.json, secret.type);
    countUnusable(unusable, this.#metrics);
    this.#parsed.set(secret, entries);
    return entries;
  }
}

function placeOf({ reference }: Subject): ImagePlace {
  return { registry: reference.registry.toLowerCase(), repository: reference.repository };
}
