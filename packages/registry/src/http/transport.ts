import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { RequestLimit } from '../config/schema.ts';
import { RegistryError } from '../errors.ts';
import { readUpTo } from './body.ts';
import { failed } from './outcome.ts';
import type { FetchFailure } from './outcome.ts';
import type { ConnectionSettings, Pools } from './pools.ts';

/** The host of a request, with what the registries file says of it. */
export interface Target {
  /** In its usual form, so that all spellings share their limits. */
  readonly host: string;
  readonly connection: ConnectionSettings;
  readonly requestLimit?: RequestLimit;
}

/** The turns that the requests of an inspection take for which no pod waits. */
export interface RequestTurn {
  /** Waits before a request; undefined when it may go out. */
  pass(target: Target, signal: AbortSignal): Promise<FetchFailure | undefined>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A longer body is `TooLarge`. */
  readonly maxBytes: number;
  readonly target: Target;
  /** The host that was asked first, as in `Target.host`, when its redirect or token realm chose the target. */
  readonly sentBy?: string;
  /** Absent: it waits for nobody. */
  readonly turn?: RequestTurn;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** How many redirects led here: with any, another host than the one that was asked may have answered. */
  readonly redirects: number;
  /** Empty unless the status is 200. */
  readonly body: Uint8Array;
}

/** A body that is thrown away is read this far so that its connection can be used again. */
const MAX_DUMPED_BYTES = 64 * 1024;

const NOTHING = new Uint8Array();

/** Sends requests. No exceptions for what a network does. */
export interface Sender {
  send(request: HttpRequest): Promise<HttpResponse | FetchFailure>;
}

/** One bounded HTTP exchange: no redirects, no decompression, no exceptions for what a network does. */
export class Transport implements Sender {
  readonly #pools: Pools;
  readonly #userAgent: string;

  constructor(pools: Pools, userAgent: string) {
    this.#pools = pools;
    this.#userAgent = userAgent;
  }

  async send(request: HttpRequest): Promise<HttpResponse | FetchFailure> {
    try {
      return await this.#exchange(request);
    } catch (error) {
      return failed(reasonOf(error, request.signal));
    }
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse | FetchFailure> {
    const { method, url, headers, signal, maxBytes } = request;
    const response = await this.#pools.get(url.origin, request.target.connection).request({
      method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': this.#userAgent },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal,
    });
    const { statusCode: status } = response;
    if (status !== 200 || method === 'HEAD') {
      await response.body.dump({ limit: MAX_DUMPED_BYTES, signal });
      return { kind: 'response', status, headers: response.headers, redirects: 0, body: NOTHING };
    }
    // A compressed body could be any size once inflated, and nobody was asked for one.
    if (isEncoded(response)) return this.#refuse(response, 'Malformed');
    const body = await readUpTo(response.body, maxBytes);
    return body === undefined
      ? failed('TooLarge')
      : { kind: 'response', status, headers: response.headers, redirects: 0, body };
  }

  #refuse(response: Dispatcher.ResponseData, reason: 'Malformed'): FetchFailure {
    response.body.destroy();
    return failed(reason);
  }
}

function isEncoded(response: Dispatcher.ResponseData): boolean {
  const encoding = response.headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity' && encoding !== '';
}

function reasonOf(error: unknown, signal: AbortSignal): 'Deadline' | 'Blocked' | 'Unavailable' {
  if (signal.aborted) return 'Deadline';
  return error instanceof RegistryError && error.code === 'ADDRESS_REFUSED' ? 'Blocked' : 'Unavailable';
}
