import { isJsonObject, objectAt, stringAt, textAt, withoutUndefined } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { bodyOrThrow, CONFIG_MAPS, createdMetadata, KubeError, OwnedMetadata, resourcePath } from '@archpolicy/kube';
import type { Api, ApiRequest, OwnedMetadataOptions } from '@archpolicy/kube';

/** The name of the ConfigMap. The operator's Role contains it (deploy/base/rbac/operator.yaml). */
export const RECORD_NAME = 'archpolicy-safety';
/** The key of the record in the ConfigMap's data. */
const DATA_KEY = 'record.json';
/** Timeout of a call. It is short, because an eviction waits for it. */
const TIMEOUT_MS = 5_000;
/** Maximum size of the ConfigMap in a response. etcd stores objects of up to 1.5 MB. */
const MAX_BYTES = 2 * 1024 * 1024;

/** The stored text, and the resource version that the next write must replace. */
export interface StoredText {
  readonly text: string;
  readonly resourceVersion: string;
}

export type WriteResult =
  | { readonly kind: 'written'; readonly resourceVersion: string }
  /** Another writer has created, changed or deleted the ConfigMap since it was read. */
  | { readonly kind: 'conflict' };

interface WriteLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RecordStoreOptions extends OwnedMetadataOptions {
  readonly api: Pick<Api, 'request'>;
  /** The namespace in which ArchPolicy runs. */
  readonly namespace: string;
}

/**
 * Reads and writes a text in the ConfigMap `archpolicy-safety`. Later writes change only its data and, if need be, the
 * reference to its owner, so that labels, annotations and owners of other writers remain.
 */
export class RecordStore {
  readonly #api: Pick<Api, 'request'>;
  readonly #namespace: string;
  readonly #owned: OwnedMetadata;
  /** The metadata of the ConfigMap as this store has last read or written it. */
  #metadata: JsonObject = {};

  constructor(options: RecordStoreOptions) {
    this.#api = options.api;
    this.#namespace = options.namespace;
    this.#owned = new OwnedMetadata(options);
  }

  /** Returns undefined if the ConfigMap does not exist. Throws a KubeError if it cannot be read. */
  async read(signal: AbortSignal): Promise<StoredText | undefined> {
    const path = this.#path(RECORD_NAME);
    const answer = await this.#api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const body = bodyOrThrow(answer);
    const text = stringAt(objectAt(isJsonObject(body) ? body : {}, 'data'), DATA_KEY) ?? '';
    return { text, resourceVersion: this.#observe(body) };
  }

  /**
   * Creates the ConfigMap, or replaces the text of this resource version.
   *
   * @throws KubeError for any other response, or if there is none: then the text may have been written
   */
  async write(
    text: string,
    resourceVersion: string | undefined,
    { signal, timeoutMs = TIMEOUT_MS }: WriteLimits,
  ): Promise<WriteResult> {
    const data = { [DATA_KEY]: text };
    const limits = { signal, timeoutMs, maxBytes: MAX_BYTES };
    const current =
      resourceVersion === undefined
        ? createdMetadata({ namespace: this.#namespace, name: RECORD_NAME })
        : this.#metadata;
    return this.#owned.write(current, (metadata) => {
      if (resourceVersion === undefined) {
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
        return this.#send({ method: 'POST', path: this.#path(), body, ...limits });
      }
      const { ownerReferences } = metadata;
      const body = {
        metadata: withoutUndefined({
          resourceVersion,
          ownerReferences: metadata === current ? undefined : ownerReferences,
        }),
        data,
      };
      const contentType = 'application/merge-patch+json';
      return this.#send({ method: 'PATCH', path: this.#path(RECORD_NAME), contentType, body, ...limits });
    });
  }

  async #send(request: ApiRequest): Promise<WriteResult> {
    const answer = await this.#api.request(request);
    if (answer.kind === 'ok') return { kind: 'written', resourceVersion: this.#observe(answer.body) };
    // A 404 for a patch means that the ConfigMap was deleted. A 404 for a creation means that the namespace is missing.
    if (answer.status === 409 || (answer.status === 404 && request.method === 'PATCH')) return { kind: 'conflict' };
    throw new KubeError(
      'Refused',
      `the API server rejected the record of evictions: ${answer.status} ${answer.reason}`,
      {
        status: answer.status,
      },
    );
  }

  /** Stores the metadata of the ConfigMap in a response. Returns its resource version. */
  #observe(body: Json): string {
    this.#metadata = objectAt(isJsonObject(body) ? body : {}, 'metadata');
    const version = textAt(this.#metadata, 'resourceVersion');
    if (version === undefined) throw new KubeError('Malformed', 'the ConfigMap has no resourceVersion');
    return version;
  }

  #path(name?: string): string {
    const namespace = this.#namespace;
    return resourcePath(CONFIG_MAPS, name === undefined ? { namespace } : { namespace, name });
  }
}
