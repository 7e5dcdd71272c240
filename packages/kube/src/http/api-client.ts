import { onAbort } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { errors, Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { Json } from '@archpolicy/core';
import { abortedError, KubeError, toKubeError } from '../errors.ts';
import { parseStatusError } from './response.ts';
import type { ApiResponse, StatusError } from './response.ts';
import { boundedChunks, yieldBetweenChunks, parseJson, readBounded } from './body.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { withDeadline } from './deadline.ts';
import { withQuery } from './paths.ts';
import type { Query } from './paths.ts';
import { ItemSplitter } from './item-splitter.ts';
import { watchLines } from './watch-lines.ts';

/** The API server cuts requests off at 60 s; shorter, so that we know before it does. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** A single object is at most 1.5 MB in etcd; a whole small list is a few. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** 500 objects of the largest size that etcd takes. Nothing of it is kept, so this bounds time rather than memory. */
const MAX_LIST_BYTES = 768 * 1024 * 1024;
/** Headers of a watch come at once, or after the 3 s that the server waits for a version it has not seen yet. */
const WATCH_HEADERS_TIMEOUT_MS = 30_000;
/** Enough for every worker of both processes at once; more would only queue in the API server. */
const MAX_CONNECTIONS = 32;
/** The API server closes idle connections after 90 s; ours are given up well before. */
const KEEP_ALIVE_MS = 30_000;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** See `resourcePath`. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: Json;
  /** `application/json` when absent; a PATCH must say which kind it is. */
  readonly contentType?: string;
  readonly signal: AbortSignal;
  /** Deadline of the whole call, 30 s when absent. */
  readonly timeoutMs?: number;
  /** Bound of the answer's body, 64 MiB when absent. */
  readonly maxBytes?: number;
}

export interface WatchRequest {
  readonly path: string;
  readonly query?: Query;
  readonly signal: AbortSignal;
  /** A stream that brings nothing for this long is ended (KubeError `IdleTimeout`). */
  readonly idleTimeoutMs: number;
}

export interface ListRequest extends Pick<ApiRequest, 'path' | 'query' | 'signal' | 'timeoutMs'> {
  /** Called with each item as it arrives, without its managed fields (a 0 stands in their place). Must not throw. */
  readonly onItem: (item: Json) => void;
}

/** A watch that has begun: events as parsed JSON, unchecked, until the server ends the stream or it breaks (throws). */
export interface WatchStream {
  readonly kind: 'streaming';
  readonly events: AsyncIterable<Json>;
}

/** What callers need of the client: a seam for tests. */
export interface Api {
  /**
   * One call. Every answer of the server is data, whatever its status; throws a KubeError when there is none to be had
   * (`Aborted`, `Timeout`, `Network`, `TooLarge`, `Malformed`, `BadConfig`).
   */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * A GET of a list whose items are given out while they arrive: large lists cost neither their size in memory nor a
   * pause. The body of a success is the list without its items. Throws as `request` does; items may have come before.
   */
  list(request: ListRequest): Promise<ApiResponse>;
  /** Opens a watch. The caller iterates `events` to its end, or leaves it, which closes the connection. */
  watch(request: WatchRequest): Promise<WatchStream | StatusError>;
}

export interface ApiClientOptions {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** `archpolicy-operator/0.1.0`: shown in audit logs. */
  readonly userAgent: string;
}

/** Connections to one API server: kept alive, pooled, with current credentials on every call. */
export class ApiClient implements Api {
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  readonly #userAgent: string;
  #pools: Pools | undefined;
  #closed = false;

  constructor(options: ApiClientOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES } = request;
    return withDeadline(this.#clock, timeoutMs, request.signal, async (signal) => {
      const response = await this.#send('calls', request, signal);
      const bytes = await readBounded(response.body, maxBytes);
      if (response.statusCode < 300) {
        return { kind: 'ok', status: response.statusCode, body: bytes.length === 0 ? null : parseJson(bytes) };
      }
      return this.#toStatusError(response, bytes);
    });
  }

  list(request: ListRequest): Promise<ApiResponse> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, onItem } = request;
    return withDeadline(this.#clock, timeoutMs, request.signal, async (signal) => {
      const response = await this.#send('calls', { ...request, method: 'GET' }, signal);
      if (response.statusCode >= 300)
        return this.#toStatusError(response, await readBounded(response.body, DEFAULT_MAX_BYTES));
      const splitter = new ItemSplitter(onItem);
      for await (const chunk of yieldBetweenChunks(boundedChunks(response.body, MAX_LIST_BYTES))) splitter.push(chunk);
      return { kind: 'ok', status: response.statusCode, body: splitter.end() };
    });
  }

  async watch(request: WatchRequest): Promise<WatchStream | StatusError> {
    if (request.signal.aborted) throw abortedError(request.signal);
    // The stream outlives this call, so it has a controller of its own; the deadline is for the headers only.
    const stream = new AbortController();
    const { response, refusal } = await withDeadline(
      this.#clock,
      WATCH_HEADERS_TIMEOUT_MS,
      request.signal,
      async (signal) => {
        const stopListening = onAbort(signal, () => {
          stream.abort(signal.reason);
        });
        try {
          const answer = await this.#send('watches', { ...request, method: 'GET' }, stream.signal);
          if (answer.statusCode === 200) return { response: answer };
          return { refusal: this.#toStatusError(answer, await readBounded(answer.body, DEFAULT_MAX_BYTES)) };
        } finally {
          stopListening();
        }
      },
    );
    if (response === undefined) return refusal;
    return { kind: 'streaming', events: watchLines(response.body, { ...request, stream, clock: this.#clock }) };
  }

  /** Ends all calls and closes all connections. Later calls fail (`Aborted`). */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.calls.destroy(), pools?.watches.destroy()]);
  }

  async #send(
    kind: 'calls' | 'watches',
    request: Omit<ApiRequest, 'timeoutMs' | 'maxBytes'>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#credentials.read();
    if (this.#closed) throw new KubeError('Aborted', 'the client is closed');
    const hasBody = request.body !== undefined;
    const pool = this.#getPools(credentials)[kind];
    const send = (): Promise<Dispatcher.ResponseData> =>
      pool.request({
        path: withQuery(request.path, request.query),
        method: request.method,
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(hasBody ? { 'content-type': request.contentType ?? 'application/json' } : {}),
          ...credentials.headers,
        },
        ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
        signal,
      });
    try {
      return await send();
    } catch (error) {
      if (request.method !== 'GET' || !wasClosedWhileIdle(error)) throw toKubeError(error);
    }
    try {
      return await send();
    } catch (error) {
      throw toKubeError(error);
    }
  }

  #toStatusError(response: Dispatcher.ResponseData, bytes: Buffer): StatusError {
    if (response.statusCode === 401) this.#credentials.expire();
    const retryAfter = response.headers['retry-after'];
    return parseStatusError(
      response.statusCode,
      typeof retryAfter === 'string' ? retryAfter : undefined,
      parseJsonOrUndefined(bytes),
    );
  }

  #getPools(credentials: Credentials): Pools {
    const key = JSON.stringify([credentials.server, credentials.tls]);
    if (this.#pools?.key === key) return this.#pools;
    const old = this.#pools;
    this.#pools = { key, calls: newPool(credentials, MAX_CONNECTIONS), watches: newPool(credentials, null) };
    // Certificates were rotated: what is under way ends on the old connections, graceful close waits for it.
    old?.calls.close().catch(() => undefined);
    old?.watches.close().catch(() => undefined);
    return this.#pools;
  }
}

/** Watches hold a connection for minutes: a pool of their own, so that they cannot starve calls. */
interface Pools {
  readonly key: string;
  readonly calls: Pool;
  readonly watches: Pool;
}

function newPool({ server, tls }: Credentials, connections: number | null): Pool {
  return new Pool(server, {
    connections,
    connect: { ...tls, timeout: 10_000 },
    // One call per connection: a slow answer must not hold up another one behind it.
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The deadlines are ours: one over each whole call, and the watchdog of a watch.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * The server, or something in between, closed a kept-alive connection at the moment when we used it again: nothing was
 * answered on it since, and a GET may simply be sent anew. Others may have been acted upon: they are the caller's.
 */
function wasClosedWhileIdle(error: unknown): boolean {
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}

/** A refusal's body may be a proxy's HTML page: then there is just no Status object in it. */
function parseJsonOrUndefined(bytes: Buffer): Json | undefined {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}
