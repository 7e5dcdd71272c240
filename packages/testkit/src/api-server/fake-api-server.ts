import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { Collection, getKey, getMetadata, newVersions } from './collection.ts';
import { applyFault } from './fault.ts';
import type { ApiFaultRule } from './fault.ts';
import { OpenWatch } from './open-watch.ts';
import { readRequest } from './request.ts';
import type { ApiRequestSeen } from './request.ts';
import { send, sendStatus } from './send.ts';
import { statusObject } from './status-object.ts';
import { parseTarget } from './target.ts';
import type { Target } from './target.ts';

/** Serves LIST and WATCH of one collection, such as one too large to store. */
export interface CollectionServer {
  serve(request: ApiRequestSeen, response: ServerResponse): void;
}

/**
 * A fake API server in this process: plain HTTP on a free loopback port. Stores any resource. Supports paged LIST, WATCH from
 * a version, GET, POST, PUT with conflicts, merge PATCH and DELETE. Records each request and injects faults.
 */
export class FakeApiServer {
  readonly requests: ApiRequestSeen[] = [];
  readonly watches = new Set<OpenWatch>();
  /** Set to inject faults. */
  fault: ApiFaultRule = () => undefined;
  /** How a watch from a compacted version is rejected: by a status or by an event. Real servers use both. */
  expiredWatch: 'status' | 'event' = 'event';
  /** Servers, by path, for collections that this server does not store. Each handles all GETs of its path. */
  readonly collectionServers = new Map<string, CollectionServer>();
  readonly #versions = newVersions();
  readonly #collections = new Map<string, Collection>();
  readonly #pages = new Map<string, Page>();
  #pageCount = 0;
  readonly #watchWaiters = new Set<(watch: OpenWatch) => void>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#receive(request, response).catch((error: unknown) => {
        response.destroy(error as Error);
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens on a free port, or on the given one, so that a stopped server can restart with all its objects. */
  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  /** Stops at once and closes open connections. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeAllConnections();
    await closed;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Returns the collection at a path such as `/api/v1/pods`. Creates it if needed. */
  collection(path: string): Collection {
    const found = this.#collections.get(path) ?? new Collection(this.#versions);
    this.#collections.set(path, found);
    return found;
  }

  /** Returns the number of LISTs. Only the first page of each LIST counts. */
  lists(path: string): number {
    return this.requests.filter((seen) => isList(seen, path) && !seen.query.has('continue')).length;
  }

  /** Resolves with the next watch that a client opens. */
  nextWatch(): Promise<OpenWatch> {
    return new Promise((resolve) => {
      const notify = (watch: OpenWatch): void => {
        this.#watchWaiters.delete(notify);
        resolve(watch);
      };
      this.#watchWaiters.add(notify);
    });
  }

  /** Compacts a collection and drops all pages: later requests for them receive 410. */
  compact(path: string): void {
    this.collection(path).compact();
    this.#pages.clear();
  }

  /** Sends a bookmark to all watches of a collection. */
  bookmark(path: string): void {
    const object = { kind: 'Bookmark', metadata: { resourceVersion: String(this.#versions.current) } };
    for (const watch of this.watches) if (watch.path === path) watch.send({ type: 'BOOKMARK', object });
  }

  /** Returns the number of open connections. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await readRequest(request);
    this.requests.push(seen);
    const fault = this.fault(seen);
    const target = parseTarget(seen.path);
    const collectionServers = seen.method === 'GET' ? this.collectionServers.get(seen.path) : undefined;
    if (fault !== undefined) applyFault(fault, response);
    else if (collectionServers !== undefined) collectionServers.serve(seen, response);
    else if (target === undefined) sendStatus(response, 404, 'NotFound');
    else if (seen.query.get('watch') === 'true') this.#watch(seen, target, response);
    else this.#respond(seen, target, response);
  }

  #respond(seen: ApiRequestSeen, target: Target, response: ServerResponse): void {
    const collection = this.collection(target.collection);
    const key = [target.namespace, target.name].filter((part) => part !== undefined).join('/');
    const stored = target.name === undefined ? undefined : collection.objects.get(key);
    if (seen.method === 'POST') {
      this.#create(seen, target, collection, response);
    } else if (target.name === undefined) {
      this.#list(seen, target, collection, response);
    } else if (stored === undefined) {
      sendStatus(response, 404, 'NotFound', { kind: target.collection.split('/').at(-1) ?? '' });
    } else {
      serveObject(seen, stored, key, collection, response);
    }
  }

  #create({ body }: ApiRequestSeen, target: Target, collection: Collection, response: ServerResponse): void {
    const object = isJsonObject(body) ? body : {};
    const { namespace } = target;
    const placed = { ...object, metadata: { ...getMetadata(object), ...withoutUndefined({ namespace }) } };
    if (collection.objects.has(getKey(placed))) sendStatus(response, 409, 'AlreadyExists');
    else send(response, 201, collection.put(placed));
  }

  #list({ query }: ApiRequestSeen, target: Target, collection: Collection, response: ServerResponse): void {
    const token = query.get('continue');
    const page = token === null ? this.#firstPage(target, collection) : this.#pages.get(token);
    if (page === undefined) {
      sendStatus(response, 410, 'Expired');
      return;
    }
    const limit = Number(query.get('limit') ?? Infinity);
    const rest = page.items.slice(limit);
    const next = rest.length === 0 ? undefined : this.#storePage({ ...page, items: rest });
    const metadata = withoutUndefined({ resourceVersion: String(page.version), continue: next });
    send(response, 200, { kind: 'List', apiVersion: 'v1', metadata, items: page.items.slice(0, limit) });
  }

  #firstPage({ namespace }: Target, collection: Collection): Page {
    const all = [...collection.objects.values()];
    const items =
      namespace === undefined ? all : all.filter((object) => getMetadata(object)['namespace'] === namespace);
    return { items, version: this.#versions.current };
  }

  #storePage(page: Page): string {
    this.#pageCount += 1;
    const token = `page-${this.#pageCount}`;
    this.#pages.set(token, page);
    return token;
  }

  #watch({ path, query }: ApiRequestSeen, target: Target, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    const collection = this.collection(target.collection);
    const missed = collection.since(from);
    if (missed === undefined && this.expiredWatch === 'status') {
      sendStatus(response, 410, 'Expired');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watch = new OpenWatch(path, from, response);
    if (missed === undefined) {
      watch.send({ type: 'ERROR', object: statusObject(410, 'Expired') });
      watch.end();
      return;
    }
    for (const each of missed) watch.sendChange(each);
    const unsubscribe = collection.subscribe((each) => {
      watch.sendChange(each);
    });
    this.watches.add(watch);
    response.on('close', () => {
      unsubscribe();
      this.watches.delete(watch);
    });
    for (const notify of [...this.#watchWaiters]) notify(watch);
  }
}

interface Page {
  readonly items: readonly JsonObject[];
  readonly version: number;
}

function isList({ method, path, query }: ApiRequestSeen, wanted: string): boolean {
  return method === 'GET' && path === wanted && query.get('watch') !== 'true';
}

/** Handles GET, PUT, PATCH and DELETE of an object that exists. */
function serveObject(
  { method, body }: ApiRequestSeen,
  stored: JsonObject,
  key: string,
  collection: Collection,
  response: ServerResponse,
): void {
  const object = isJsonObject(body) ? body : {};
  const wanted = getMetadata(object)['resourceVersion'];
  if (method === 'GET') send(response, 200, stored);
  else if (method === 'DELETE') {
    collection.remove(key);
    send(response, 200, statusObject(200, ''));
  } else if (wanted !== undefined && wanted !== getMetadata(stored)['resourceVersion'])
    sendStatus(response, 409, 'Conflict');
  else if (method === 'PUT') send(response, 200, collection.put(object));
  else {
    const metadata = { ...getMetadata(stored), ...getMetadata(object) };
    send(response, 200, collection.put({ ...stored, ...object, metadata }));
  }
}
