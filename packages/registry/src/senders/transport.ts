import type { IncomingHttpHeaders } from 'node:http';
import type { Target } from '../config/connection-settings.ts';
import { RegistryError } from '../errors.ts';
import { discardBody, readUpTo } from '../http/body.ts';
import { decodeBody, parseContentEncoding } from '../http/content-encoding.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestPermit } from '../limits/request-permit.ts';
import type { Pools } from './pools.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A longer body is `TooLarge`, before or after it is decoded. */
  readonly maxBytes: number;
  readonly target: Target;
  /** The host that was asked first, as in `Target.host`, when its redirect or token realm chose the target. */
  readonly sentBy?: string;
  /** Absent when a pod waits for the answer: the request needs no permit. */
  readonly permit?: RequestPermit;
  /** Also bounds how long an unneeded body is read after the request: it must abort some time. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** How many redirects led here: with any, another host than the one that was asked may have answered. */
  readonly redirects: number;
  /** Without its content codings. Empty unless the status is 200. */
  readonly body: Uint8Array;
}

const NOTHING = new Uint8Array();

/** Sends requests. No exceptions for what a network does. */
export interface Sender {
  send(request: HttpRequest): Promise<HttpResponse | FetchFailure>;
}

/** One bounded HTTP exchange: no redirects, no exceptions for what a network does. */
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
      discardBody(response.body, signal);
      return { kind: 'response', status, headers: response.headers, redirects: 0, body: NOTHING };
    }
    // Identity was asked for; some registries and the caches in front of them encode all the same.
    const decoders = parseContentEncoding(response.headers['content-encoding']);
    if (decoders === undefined) {
      discardBody(response.body, signal);
      return failed('Malformed');
    }
    const encoded = await readUpTo(response.body, maxBytes);
    if (encoded === undefined) return failed('TooLarge');
    const decoded = await decodeBody(encoded, decoders, maxBytes);
    if (decoded.kind === 'failed') return decoded;
    return { kind: 'response', status, headers: response.headers, redirects: 0, body: decoded.value };
  }
}

function reasonOf(error: unknown, signal: AbortSignal): 'Deadline' | 'Blocked' | 'Unavailable' {
  if (signal.aborted) return 'Deadline';
  return error instanceof RegistryError && error.code === 'AddressRefused' ? 'Blocked' : 'Unavailable';
}
