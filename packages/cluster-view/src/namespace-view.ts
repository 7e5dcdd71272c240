import { isJsonObject, parseNamespace } from '@archpolicy/core';
import type { NamespaceFacts } from '@archpolicy/core';
import { bodyOrThrow, NAMESPACES, resourcePath } from '@archpolicy/kube';
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
   * right after its namespace. Returns undefined if the namespace does not exist or RBAC forbids reading it.
   * @throws if the read fails, which states nothing about the namespace
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
      const stored = this.#store.get(name);
      if (stored !== undefined) return stored;
      if (answer.kind === 'refused' && (answer.status === 404 || answer.status === 403)) return undefined;
      const body = bodyOrThrow(answer);
      return isJsonObject(body) ? parseNamespace(body) : undefined;
    } catch (err) {
      const stored = this.#store.get(name);
      if (stored !== undefined) return stored;
      this.#logger.debug({ err, namespace: name }, 'failed to read namespace');
      throw err;
    }
  }

  subscribe(listener: StoreListener<NamespaceFacts>): () => void {
    return this.#store.subscribe(listener);
  }
}
