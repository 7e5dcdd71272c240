import { onAbort, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { errors } from 'undici';
import type { Dispatcher } from 'undici';
import type { Json } from '@archpolicy/core';
import { abortedError, KubeError, toKubeError } from '../errors.ts';
import { parseDate, parseStatusError } from './response.ts';
import type { ApiResponse, StatusError } from './response.ts';
import { boundedChunks, yieldBetweenChunks, parseJson, readBounded } from './body.ts';
import { ConnectionPools } from './connection-pools.ts';
import type { LimitedKind, RequestKind } from './connection-pools.ts';
import type { CredentialSource } from './credentials.ts';
import { withDeadline } from './deadline.ts';
import { withQuery } from './paths.ts';
import type { Query } from './paths.ts';
import { ItemSplitter } from './item-splitter.ts';
import { watchLines } from './watch-lines.ts';

/**
 * Default timeout of a call. It is shorter than the API server's own timeout of 60 s, so that the client's timeout
 * always expires before the server's.
 */
const DEFAULT_TIMEOUT_MS = 30_000;
/**
 * Default size limit of a response. It is enough for an object (at most 1.5 MB in etcd) and for a list of a few
 * objects.
 */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/**
 * Size limit of a list: 500 objects of the largest size that etcd accepts. The limit bounds the time of a call. It need
 * not bound memory, because items are streamed.
 */
const MAX_LIST_BYTES = 768 * 1024 * 1024;
/** Timeout for the headers of a watch. They arrive at once, or after the 3 s that the server waits for a newer resource version. */
const WATCH_HEADERS_TIMEOUT_MS = 30_000;
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The URL path, as `resourcePath` returns it. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: Json;
  /** Media type of the body; `application/json` if absent. Required for a PATCH. */
  readonly contentType?: string;
  readonly signal: AbortSignal;
  /** Timeout of the whole call; 30 s if absent. */
  readonly timeoutMs?: number;
  /** Limit of the response body; 64 MiB if absent. */
  readonly maxBytes?: number;
  /**
   * Whether the request is for a Lease. Such a request has connections of its own, because a process that cannot renew
   * its Lease in time loses it: slow responses to other requests must not delay the renewal.
   */
  readonly isForLease?: boolean;
}

export interface WatchRequest {
  readonly path: string;
  readonly query?: Query;
  readonly signal: AbortSignal;
  /** Maximum time without a received byte. After this time the stream ends with KubeError `IdleTimeout`. */
  readonly idleTimeoutMs: number;
}

export interface ListRequest extends Pick<ApiRequest, 'path' | 'query' | 'signal' | 'timeoutMs'> {
  /**
   * The client calls this function with each item that arrives. The item's `managedFields` are replaced by 0. The
   * function must not throw.
   */
  readonly onItem: (item: Json) => void;
}

/**
 * An open watch. `events` yields parsed, but not validated, JSON until the server ends the stream. `events` throws if
 * the stream breaks.
 */
export interface WatchStream {
  readonly kind: 'streaming';
  readonly events: AsyncIterable<Json>;
}

/** The methods of the client, which tests can implement. */
export interface Api {
  /**
   * Sends one request. Returns the response, even if it has an error status.
   *
   * @throws KubeError `Aborted`, `Timeout`, `Network`, `TooLarge`, `Malformed` or `BadConfig` if there is no usable response
   */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Sends a GET of a list, and passes each item to `onItem` as soon as it arrives. So a large list is neither held in
   * memory nor parsed in one go. Returns the list without its items. Throws the same errors as `request`, possibly
   * after it has passed some items to `onItem`.
   */
  list(request: ListRequest): Promise<ApiResponse>;
  /** Opens a watch. Leaving the iteration of `events` closes the connection. */
  watch(request: WatchRequest): Promise<WatchStream | StatusError>;
}

export interface ApiClientOptions {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** The user agent in audit logs, such as `archpolicy-operator/VERSION`. */
  readonly userAgent: string;
}

/** A client of one API server. It pools connections, and reads the current credentials for every call. */
export class ApiClient implements Api {
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #pools = new ConnectionPools();
  #closed = false;

  constructor(options: ApiClientOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
  }

  /** The number of requests that wait for a connection. Requests for Leases have connections of their own. */
  get waiting(): Readonly<Record<LimitedKind, number>> {
    return this.#pools.waiting;
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES } = request;
    return withDeadline(this.#clock, timeoutMs, request.signal, async (signal) => {
      const response = await this.#send(request.isForLease === true ? 'leases' : 'calls', request, signal);
      const bytes = await readBounded(response.body, maxBytes);
      if (response.statusCode < 300) {
        const body = bytes.length === 0 ? null : parseJson(bytes);
        return { kind: 'ok', status: response.statusCode, body, ...parseDate(response.headers['date']) };
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
    // The stream outlives this call, so it has its own controller. The timeout covers only the headers.
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

  /** Aborts all calls and closes all connections. Later calls throw `Aborted`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pools.destroy();
  }

  async #send(
    kind: RequestKind,
    request: Omit<ApiRequest, 'timeoutMs' | 'maxBytes'>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#credentials.read();
    if (this.#closed) throw new KubeError('Aborted', 'the client is closed');
    const hasBody = request.body !== undefined;
    const pool = this.#pools.get(kind, credentials);
    const send = async (): Promise<Dispatcher.ResponseData> => {
      const sent = pool.request({
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
      // undici ends a request only when the request has a connection, which can take 10 s.
      const waited = await waitUnlessAborted(sent, signal);
      if (waited.kind === 'aborted') throw signal.reason;
      return waited.value;
    };
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
    const error = parseStatusError(
      response.statusCode,
      typeof retryAfter === 'string' ? retryAfter : undefined,
      parseJsonOrUndefined(bytes),
    );
    return { ...error, ...parseDate(response.headers['date']) };
  }
}

/**
 * Returns whether the server or a proxy closed a keep-alive connection just as a request reused it. If so, the client
 * repeats the request if it is a GET. It does not repeat other requests, because the server may have executed them.
 */
function wasClosedWhileIdle(error: unknown): boolean {
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}

/** Returns undefined for a body that is not JSON, such as a proxy's HTML page. */
function parseJsonOrUndefined(bytes: Buffer): Json | undefined {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}
