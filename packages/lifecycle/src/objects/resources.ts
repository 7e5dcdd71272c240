import { arrayAt, isJsonObject, textAt } from '@archpolicy/core';
import { bodyOrThrow, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { ManifestObject } from './manifests.ts';

const TIMEOUT_MS = 10_000;

/** A kind as the API server serves it. */
interface ServedKind {
  readonly resource: string;
  readonly isNamespaced: boolean;
}

/** Finds the URL paths of objects by their kind, from the discovery of the API server. */
export class ResourcePaths {
  readonly #api: Pick<Api, 'request'>;
  readonly #served = new Map<string, Promise<ReadonlyMap<string, ServedKind>>>();

  constructor(api: Pick<Api, 'request'>) {
    this.#api = api;
  }

  /** Returns undefined if the cluster does not have the kind, and so no object of it. */
  async find(object: ManifestObject, signal: AbortSignal): Promise<string | undefined> {
    const { apiVersion, kind, name, namespace } = object;
    const reading = this.#served.get(apiVersion) ?? this.#read(apiVersion, signal);
    this.#served.set(apiVersion, reading);
    const served = (await reading).get(kind);
    if (served === undefined) return undefined;
    const [group, version] = splitVersion(apiVersion);
    const location = served.isNamespaced ? { namespace: namespace ?? 'default', name } : { name };
    return resourcePath({ group, version, resource: served.resource }, location);
  }

  /** https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/apis/meta/v1/types.go (`APIResourceList`) */
  async #read(apiVersion: string, signal: AbortSignal): Promise<ReadonlyMap<string, ServedKind>> {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const answer = await this.#api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
    if (answer.kind === 'refused' && answer.status === 404) return new Map();
    const body = bodyOrThrow(answer);
    const entries = arrayAt(isJsonObject(body) ? body : {}, 'resources').filter(isJsonObject);
    const served = new Map<string, ServedKind>();
    for (const entry of entries) {
      const [kind, resource] = [textAt(entry, 'kind'), textAt(entry, 'name')];
      // Subresources have a slash in their names.
      if (kind === undefined || resource === undefined || resource.includes('/')) continue;
      served.set(kind, { resource, isNamespaced: entry['namespaced'] === true });
    }
    return served;
  }
}

function splitVersion(apiVersion: string): readonly [group: string, version: string] {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? ['', first] : [first, second];
}
