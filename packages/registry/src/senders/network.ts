import type { ConnectionSettings } from '../config/host-settings.ts';
import { RegistryError } from '../errors.ts';
import { discardBody, readUpTo } from '../http/body.ts';
import { decodeBody, parseContentEncoding } from '../http/content-encoding.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { Pools } from './pools.ts';
import { toRequestTarget } from './proxy-connector.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** A status of proxies, never of a registry: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8 */
const PROXY_AUTHENTICATION_REQUIRED = 407;
const NO_BODY = new Uint8Array();
const DEFAULT_CONNECTION: ConnectionSettings = { guard: { refused: [], allowed: [], nat64Prefixes: [] } };

/** Exchanges one request and one response over the network, both within bounds. */
export class NetworkSender implements Sender {
  readonly #pools: Pools;
  readonly #userAgent: string;

  constructor(pools: Pools, userAgent: string) {
    this.#pools = pools;
    this.#userAgent = userAgent;
  }

  async send(request: HttpRequest, { signal }: RequestContext): Promise<HttpResponse | FetchFailure> {
    try {
      return await this.#exchange(request, signal);
    } catch (error) {
      return toFailure(error, signal);
    }
  }

  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse | FetchFailure> {
    const { method, url, headers, body, maxBytes, connection = DEFAULT_CONNECTION } = request;
    const { path, proxyHeaders } = toRequestTarget(url, connection.proxy);
    const response = await this.#pools.get(url.origin, connection).request({
      method,
      path,
      headers: { ...headers, ...proxyHeaders, 'accept-encoding': 'identity', 'user-agent': this.#userAgent },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    const { statusCode: status } = response;
    if (status === PROXY_AUTHENTICATION_REQUIRED) {
      discardBody(response.body, signal);
      return failed('Unavailable');
    }
    if (status !== 200 || method === 'HEAD') {
      discardBody(response.body, signal);
      return { kind: 'response', status, headers: response.headers, redirects: 0, body: NO_BODY };
    }
    // The request asks for `identity`, but some registries and the caches in front of them encode the body anyway.
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

function toFailure(error: unknown, signal: AbortSignal): FetchFailure {
  const code = error instanceof RegistryError ? error.code : undefined;
  if (code === 'LookupQueued') return { ...failed('Deadline'), isOwnDelay: true };
  if (signal.aborted) return failed('Deadline');
  return failed(code === 'AddressRefused' ? 'Blocked' : 'Unavailable');
}
