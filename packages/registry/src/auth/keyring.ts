import { LRUCache } from 'lru-cache';
import type { Registries } from '../config/registries.ts';
import { endpointsFor } from '../http/endpoint.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Subject } from '../inspect/subject.ts';
import { ANONYMOUS_SCOPE } from './access.ts';
import type { Access } from './access.ts';
import type { Credential, PullSecret } from './credential.ts';
import { parseDockerConfig } from './docker-config.ts';
import type { ConfigEntry } from './docker-config.ts';
import { matches } from './image-match.ts';
import type { ImagePlace } from './image-match.ts';
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
 * Entries of all pull secrets of a pod that are looked at; the rest are left out. A tenant writes them, and each is matched
 * with each of the pod's images at every admission.
 */
const MAX_POD_ENTRIES = 256;
/** Docker config files that are kept parsed: those of the registries file. */
const MAX_PARSED_FILES = 100;

/** Knows which credentials are meant for an image, and in which order they are tried (I5). */
export class Keyring {
  readonly #scopes: CredentialScopes;
  readonly #provided: ProvidedCredentials;
  readonly #secrets = new WeakMap<PullSecret, readonly ConfigEntry[]>();
  readonly #files = new LRUCache<string, readonly ConfigEntry[]>({ max: MAX_PARSED_FILES });

  constructor(scopes: CredentialScopes, provided: ProvidedCredentials = NOTHING_PROVIDED) {
    this.#scopes = scopes;
    this.#provided = provided;
  }

  /** The scopes whose knowledge this pod may use, without any effort: what its accesses would be. */
  scopes(subject: Subject, pullSecrets: readonly PullSecret[], registries: Registries): readonly string[] {
    if (pullSecrets.length === 0 && !registries.hasCredentials) return [ANONYMOUS_SCOPE];
    const provided = this.#provided.cached(placeOf(subject));
    return this.#accesses(subject, pullSecrets, registries, provided).map(({ scope }) => scope);
  }

  /** The ways to ask for an image, in the order in which they are tried; none when its registry is blocked. */
  async accesses(
    subject: Subject,
    pullSecrets: readonly PullSecret[],
    registries: Registries,
    signal: AbortSignal,
  ): Promise<readonly Access[]> {
    const provided = await this.#provided.get(placeOf(subject), signal);
    return this.#accesses(subject, pullSecrets, registries, provided);
  }

  #accesses(
    subject: Subject,
    pullSecrets: readonly PullSecret[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly Access[] {
    const { registry, repository } = subject.reference;
    return endpointsFor(registry, repository, registries).flatMap((endpoint) => {
      const credentials = endpoint.mirror
        ? this.#ofRegistriesFile({ registry: endpoint.host, repository: endpoint.repository }, registries)
        : this.#ofUpstream(placeOf(subject), pullSecrets, registries, provided);
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
    pullSecrets: readonly PullSecret[],
    registries: Registries,
    provided: readonly Credential[],
  ): readonly Credential[] {
    const { dockerConfigFile } = registries.config;
    return [
      ...best(this.#entriesOfPod(pullSecrets), place),
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
    const known = this.#files.get(text);
    if (known !== undefined) return best(known, place);
    const entries = parseDockerConfig(text, 'kubernetes.io/dockerconfigjson');
    this.#files.set(text, entries);
    return best(entries, place);
  }

  #entriesOfPod(secrets: readonly PullSecret[]): readonly ConfigEntry[] {
    const [only] = secrets;
    if (only !== undefined && secrets.length === 1) return this.#entriesOf(only).slice(0, MAX_POD_ENTRIES);
    const entries: ConfigEntry[] = [];
    for (const secret of secrets) entries.push(...this.#entriesOf(secret).slice(0, MAX_POD_ENTRIES - entries.length));
    return entries;
  }

  #entriesOf(secret: PullSecret): readonly ConfigEntry[] {
    const known = this.#secrets.get(secret);
    if (known !== undefined) return known;
    const entries = parseDockerConfig(secret.json, secret.type);
    this.#secrets.set(secret, entries);
    return entries;
  }
}

function placeOf({ reference }: Subject): ImagePlace {
  return { registry: reference.registry.toLowerCase(), repository: reference.repository };
}

/** The entries meant for an image, longer patterns first, in their order otherwise. */
function best(entries: readonly ConfigEntry[], place: ImagePlace): readonly Credential[] {
  const meant = entries.filter(({ pattern }) => matches(pattern, place));
  return meant.toSorted((a, b) => compare(b.pattern.key, a.pattern.key)).map(({ credential }) => credential);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
