import { isJsonObject, parseNamespace } from '@archpolicy/core';
import type { NamespaceFacts } from '@archpolicy/core';
import { NAMESPACES, resourcePath } from '@archpolicy/kube';
import type { Api, ReadStore, StoreListener } from '@archpolicy/kube';
import type { Logger } from 'pino';

/** Timeout of a fetch: a fraction of the 1.5 s of an admission. It is enough, because a namespace is small. */
const FETCH_TIMEOUT_MS = 500;
const MAX_NAMESPACE_BYTES = 2 * 1024 * 1024;

/** The namespaces of the cluster. */
export interface NamespaceView {
  /**
   * Returns a namespace from the store. Returns undefined if it does not exist, or if the watch has not delivered it
   * yet.
   */
  get(name: string): NamespaceFacts | undefined;
  list(): readonly NamespaceFacts[];
  /**
   * Fetches a namespace with one GET. Call this when `get` does not return the namespace, because a pod may be created
   * right after its namespace. Returns undefined if the namespace does not exist or cannot be read in time. Never
   * rejects.
   */
  fetch(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined>;
  subscribe(listener: StoreListener<NamespaceFacts>): () => void;
}

/** A NamespaceView of a reflector's store. */
export class StoredNamespaces implements NamespaceView {
  readonly #store: ReadStore<NamespaceFacts>;
  readonly #api: Pick<Api, 'request'>;
  readonly #logger: Pick<Logger, 'debug'>;

  constructor(store: ReadStore<NamespaceFacts>, api: Pick<Api, 'request'>, logger: Pick<Logger, 'debug'>) {
    this.#store = store;
    this.#api = api;
    this.#logger = logger;
  }

  get(name: string): NamespaceFacts | undefined {
    return this.#store.get(name);
  }

  list(): readonly NamespaceFacts[] {
    return this.#store.list();
  }

  async fetch(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined> {
    try {
      const answer = await this.#api.request({
        method: 'GET',
        path: resourcePath(NAMESPACES, { name }),
        signal,
        timeoutMs: FETCH_TIMEOUT_MS,
        maxBytes: MAX_NAMESPACE_BYTES,
      });
      // The reflector may have received the namespace in the meantime, in a newer version.
      return (
        this.#store.get(name) ??
        (answer.kind === 'ok' && isJsonObject(answer.body) ? parseNamespace(answer.body) : undefined)
      );
    } catch (err) {
      this.#logger.debug({ err, namespace: name }, 'failed to read namespace');
      return this.#store.get(name);
    }
  }

  subscribe(listener: StoreListener<NamespaceFacts>): () => void {
    return this.#store.subscribe(listener);
  }
}
