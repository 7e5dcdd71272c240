import { isJsonObject, objectAt, stringAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { bodyOrThrow, CONFIG_MAPS, KubeError, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';

/** The name of the ConfigMap. The operator's Role contains it (deploy/base/rbac/operator.yaml). */
export const RECORD_NAME = 'archpolicy-safety';
/** The key of the record in the ConfigMap's data. */
const DATA_KEY = 'record.json';
/** Timeout of a call. It is short, because an eviction waits for it. */
const TIMEOUT_MS = 5_000;
/** Maximum size of the ConfigMap in a response. etcd stores objects of up to 1.5 MB. */
const MAX_BYTES = 2 * 1024 * 1024;
/**
 * The metadata of a new ConfigMap. Later writes change only its data, so that labels, annotations and owner references
 * of other writers remain.
 */
const LABELS = { 'app.kubernetes.io/name': 'archpolicy-operator', 'app.kubernetes.io/part-of': 'archpolicy' };

/** The stored text, and the resource version that the next write must replace. */
export interface StoredText {
  readonly text: string;
  readonly resourceVersion: string;
}

export type WriteResult =
  | { readonly kind: 'written'; readonly resourceVersion: string }
  /** Another writer has created, changed or deleted the ConfigMap since it was read. */
  | { readonly kind: 'conflict' };

export interface RecordStoreOptions {
  readonly api: Pick<Api, 'request'>;
  /** The namespace in which ArchPolicy runs. */
  readonly namespace: string;
}

/** Reads and writes a text in the ConfigMap `archpolicy-safety`. */
export class RecordStore {
  readonly #api: Pick<Api, 'request'>;
  readonly #namespace: string;

  constructor({ api, namespace }: RecordStoreOptions) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Returns undefined if the ConfigMap does not exist. Throws a KubeError if it cannot be read. */
  async read(signal: AbortSignal): Promise<StoredText | undefined> {
    const path = this.#path(RECORD_NAME);
    const answer = await this.#api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const body = bodyOrThrow(answer);
    const text = stringAt(objectAt(isJsonObject(body) ? body : {}, 'data'), DATA_KEY) ?? '';
    return { text, resourceVersion: readVersion(body) };
  }

  /**
   * Creates the ConfigMap, or replaces the text of this resource version.
   *
   * @throws KubeError for any other response, or if there is none: then the text may have been written
   */
  async write(
    text: string,
    resourceVersion: string | undefined,
    { signal, timeoutMs = TIMEOUT_MS }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ): Promise<WriteResult> {
    const data = { [DATA_KEY]: text };
    const limits = { signal, timeoutMs, maxBytes: MAX_BYTES };
    const answer = await this.#api.request(
      resourceVersion === undefined
        ? { method: 'POST', path: this.#path(), body: newConfigMap(this.#namespace, data), ...limits }
        : {
            method: 'PATCH',
            path: this.#path(RECORD_NAME),
            contentType: 'application/merge-patch+json',
            body: { metadata: { resourceVersion }, data },
            ...limits,
          },
    );
    if (answer.kind === 'ok') return { kind: 'written', resourceVersion: readVersion(answer.body) };
    // A 404 for a patch means that the ConfigMap was deleted. A 404 for a creation means that the namespace is missing.
    if (answer.status === 409 || (answer.status === 404 && resourceVersion !== undefined)) return { kind: 'conflict' };
    throw new KubeError(
      'Refused',
      `the API server rejected the record of evictions: ${answer.status} ${answer.reason}`,
      {
        status: answer.status,
      },
    );
  }

  #path(name?: string): string {
    const namespace = this.#namespace;
    return resourcePath(CONFIG_MAPS, name === undefined ? { namespace } : { namespace, name });
  }
}

function newConfigMap(namespace: string, data: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: RECORD_NAME, namespace, labels: LABELS }, data };
}

function readVersion(body: Json): string {
  const version = textAt(objectAt(isJsonObject(body) ? body : {}, 'metadata'), 'resourceVersion');
  if (version === undefined) throw new KubeError('Malformed', 'the ConfigMap has no resourceVersion');
  return version;
}
