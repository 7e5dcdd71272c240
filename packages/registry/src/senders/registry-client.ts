import type { Clock } from '@archpolicy/async';
import { ACCEPTED_MEDIA_TYPES } from '@archpolicy/core';
import type { Registries } from '../config/registries.ts';
import type { RegistryMetrics, RequestOutcome, RequestPurpose } from '../metrics.ts';
import { targetFor } from '../config/endpoint.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { failed, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { retryAt } from '../http/retry-after.ts';
import type { HttpRequest, HttpResponse, Sender } from './transport.ts';
import type { RequestPermit } from '../limits/request-permit.ts';

/** One read at one endpoint. */
export interface ReadRequest {
  readonly endpoint: Endpoint;
  readonly registries: Registries;
  /** The Authorization header for this endpoint's host, and for no other. */
  readonly authorization?: string;
  readonly permit?: RequestPermit;
  readonly signal: AbortSignal;
}

/** Distribution's own limit for a manifest. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** A config blob carries the history of every layer; the largest known to us has 300 KB. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
/** Registry, its storage, and one more; curl's and containerd's limits are 50 and 10. */
const MAX_REDIRECTS = 3;
const MAX_LOCATION_LENGTH = 8 * 1024;

const ACCEPT_MANIFESTS = ACCEPTED_MEDIA_TYPES.join(', ');
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface Hop {
  readonly url: URL;
  readonly host: string;
  readonly authorization: string | undefined;
}

/** Reads of the distribution API: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md. */
export class RegistryClient {
  readonly #transport: Sender;
  readonly #clock: Clock;
  readonly #metrics: RegistryMetrics;

  constructor(transport: Sender, clock: Clock, metrics: RegistryMetrics) {
    this.#transport = transport;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Asks for a manifest by tag or digest. The response is whatever came, 401 included. */
  manifest(method: 'GET' | 'HEAD', reference: string, request: ReadRequest): Promise<HttpResponse | FetchFailure> {
    const url = new URL(`${request.endpoint.repository}/manifests/${reference}`, request.endpoint.base);
    return this.#follow('manifest', url, request, {
      method,
      headers: { accept: ACCEPT_MANIFESTS },
      maxBytes: MAX_MANIFEST_BYTES,
    });
  }

  /** Asks for a config blob. */
  config(digest: string, request: ReadRequest): Promise<HttpResponse | FetchFailure> {
    const url = new URL(`${request.endpoint.repository}/blobs/${digest}`, request.endpoint.base);
    return this.#follow('blob', url, request, { method: 'GET', headers: {}, maxBytes: MAX_CONFIG_BYTES });
  }

  /** Follows redirects by hand: each hop is judged anew, and none but the first host sees the credential. */
  async #follow(
    purpose: RequestPurpose,
    url: URL,
    request: ReadRequest,
    what: Pick<HttpRequest, 'method' | 'headers' | 'maxBytes'>,
  ): Promise<HttpResponse | FetchFailure> {
    let hop: Hop = { url, host: request.endpoint.host, authorization: request.authorization };
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.#send(hop, request, what);
      this.#metrics.request({ purpose, method: what.method, outcome: outcomeOf(response) });
      if (response.kind === 'failed') return response;
      if (!REDIRECTS.has(response.status)) return { ...response, redirects };
      const next = nextHop(hop, response, request.registries);
      if (next === undefined) return failed('Blocked');
      hop = next;
    }
    return failed('Unavailable');
  }

  #send(
    hop: Hop,
    request: ReadRequest,
    what: Pick<HttpRequest, 'method' | 'headers' | 'maxBytes'>,
  ): Promise<HttpResponse | FetchFailure> {
    const authorization = hop.authorization === undefined ? {} : { authorization: hop.authorization };
    return this.#transport.send({
      ...what,
      url: hop.url,
      headers: { ...what.headers, ...authorization },
      target: targetFor(hop.host, request.registries),
      sentBy: targetFor(request.endpoint.host, request.registries).host,
      ...(request.permit === undefined ? {} : { permit: request.permit }),
      signal: request.signal,
    });
  }

  /** What a final status means. 200 carries the body; everything else is a failure with its own retry time. */
  judge(response: HttpResponse | FetchFailure): Fetched<HttpResponse> {
    if (response.kind === 'failed') return response;
    const { status } = response;
    if (status === 200) return fetched(response);
    if (status === 401 || status === 403) return failed('Unauthorized');
    if (status === 404) return failed('NotFound');
    if (status === 429) return failed('RateLimited', retryAt(response.headers['retry-after'], this.#clock.now()));
    return failed('Unavailable');
  }
}

/** The next hop, or undefined when it may not be taken: no location, another protocol, or less protected than before. */
function nextHop(from: Hop, response: HttpResponse, registries: Registries): Hop | undefined {
  const url = locationOf(from, response);
  if (url === undefined) return undefined;
  const host = url.host === from.url.host ? from.host : url.host;
  const entry = registries.entryFor(host);
  const mayBePlain = from.url.protocol === 'http:' || entry?.plainHttp === true;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBePlain)) return undefined;
  if (entry?.blocked === true) return undefined;
  const keepsCredential = url.origin === from.url.origin;
  return { url, host, authorization: keepsCredential ? from.authorization : undefined };
}

function locationOf(from: Hop, response: HttpResponse): URL | undefined {
  const { location } = response.headers;
  if (location === undefined || location.length > MAX_LOCATION_LENGTH) return undefined;
  const url = URL.parse(location, from.url.href);
  return url?.username === '' && url.password === '' ? url : undefined;
}

function outcomeOf(response: HttpResponse | FetchFailure): RequestOutcome {
  if (response.kind === 'response') return outcomeOfStatus(response.status);
  return FAILURE_OUTCOMES[response.reason] ?? 'unavailable';
}

const FAILURE_OUTCOMES: Partial<Record<FetchFailure['reason'], RequestOutcome>> = {
  Deadline: 'aborted',
  TooLarge: 'too-large',
  Malformed: 'malformed',
  Blocked: 'blocked',
};

function outcomeOfStatus(status: number): RequestOutcome {
  if (status < 400) return 'ok';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not-found';
  if (status === 429) return 'rate-limited';
  return status < 500 ? 'refused' : 'unavailable';
}
