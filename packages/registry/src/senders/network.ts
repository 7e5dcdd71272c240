import { onAbort } from '@archpolicy/async';
import type { ConnectionSettings } from '../config/host-settings.ts';
import { AddressRefusedError, RegistryError } from '../errors.ts';
import { parseContentEncoding } from '../http/content-encoding.ts';
import { discardBody } from '../http/discard-body.ts';
import { failed, failedBecause } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { BODY_REVOKED, BODY_TOO_SLOW } from '../http/response-body.ts';
import type { ResponseBodyReader } from '../http/response-body.ts';
import { connectionCause } from './connection-cause.ts';
import type { Pools } from './pools.ts';
import { toRequestTarget } from './proxy-connector.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** A status of proxies, never of a registry: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8 */
const PROXY_AUTHENTICATION_REQUIRED = 407;
const NO_BODY = new Uint8Array();
const DEFAULT_CONNECTION: ConnectionSettings = { guard: { refused: [], allowed: [], nat64Prefixes: [] } };

/**
 * How much of a body undici reads ahead: one chunk. What waits to be read is not part of the budget of bodies, and a chunk
 * of one byte takes a hundred times its size.
 */
const READ_AHEAD_BYTES = 1;

/** Exchanges one request and one response over the network, both within bounds. */
export class NetworkSender implements Sender {
  readonly #pools: Pools;
  readonly #bodies: ResponseBodyReader;
  readonly #userAgent: string;

  constructor(pools: Pools, bodies: ResponseBodyReader, userAgent: string) {
    this.#pools = pools;
    this.#bodies = bodies;
    this.#userAgent = userAgent;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const exchange = new AbortController();
    const stopListening = onAbort(context.signal, () => {
      exchange.abort(context.signal.reason);
    });
    try {
      return await this.#exchange(request, context, exchange);
    } catch (error) {
      return toFailure(error, exchange.signal);
    } finally {
      stopListening();
    }
  }

  async #exchange(
    request: HttpRequest,
    { signal, tenant = '' }: RequestContext,
    exchange: AbortController,
  ): Promise<HttpResponse | FetchFailure> {
    const { method, url, headers, body, maxBytes, connection = DEFAULT_CONNECTION } = request;
    const { path, proxyHeaders } = toRequestTarget(url, connection.proxy);
    const response = await this.#pools.get(url.origin, connection).request({
      method,
      path,
      headers: { ...headers, ...proxyHeaders, 'accept-encoding': 'identity', 'user-agent': this.#userAgent },
      ...(body === undefined ? {} : { body }),
      signal: exchange.signal,
      highWaterMark: READ_AHEAD_BYTES,
    });
    const { statusCode: status, body: stream } = response;
    if (status === PROXY_AUTHENTICATION_REQUIRED) {
      discardBody(stream, signal);
      return failedBecause({ kind: 'proxy', status }, 'Unavailable');
    }
    if (status !== 200 || method === 'HEAD') {
      discardBody(stream, signal);
      return { kind: 'response', status, headers: response.headers, redirects: 0, body: NO_BODY };
    }
    // The request asks for `identity`, but some registries and the caches in front of them encode the body anyway.
    const decoders = parseContentEncoding(response.headers['content-encoding']);
    if (decoders === undefined) {
      discardBody(stream, signal);
      return failedBecause({ kind: 'invalid-response' }, 'Malformed');
    }
    const declaredBytes = parseContentLength(response.headers['content-length']);
    const read = await this.#bodies.read({ stream, declaredBytes, decoders, maxBytes, tenant, request: exchange });
    if (read.kind === 'failed') {
      // Closes the connection, unless the whole body has been read.
      exchange.abort();
      return read;
    }
    return { kind: 'response', status, headers: response.headers, redirects: 0, body: read.value };
  }
}

/** Parses a Content-Length header. undici has checked it already. */
function parseContentLength(header: string | readonly string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : undefined;
}

/** @param signal the signal of the exchange */
function toFailure(error: unknown, signal: AbortSignal): FetchFailure {
  const code = error instanceof RegistryError ? error.code : undefined;
  if (code === 'LookupQueued' || signal.reason === BODY_REVOKED) return { ...failed('Deadline'), isOwnDelay: true };
  if (signal.reason === BODY_TOO_SLOW) return failedBecause({ kind: 'timeout' }, 'Unavailable');
  if (signal.aborted) return failed('Deadline');
  if (error instanceof AddressRefusedError)
    return failedBecause({ kind: 'address-guard', rule: error.rule }, 'Blocked');
  const cause = connectionCause(error);
  return cause === undefined ? failed('Unavailable') : failedBecause(cause, 'Unavailable');
}
