import type { Registries } from '../config/registries.ts';
import type { FailureCause } from '../http/failure-cause.ts';
import { failedBecause, inPlace } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/**
 * Maximum number of redirects, as in the clients with which nodes pull images.
 * https://github.com/golang/go/blob/go1.24.0/src/net/http/client.go (`defaultCheckRedirect`)
 */
const MAX_REDIRECTS = 10;
const MAX_LOCATION_LENGTH = 8 * 1024;
/** https://www.rfc-editor.org/rfc/rfc9110#section-15.4 */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Follows redirects of reads. Each hop is checked like a first request, and no other origin gets the credential (P5). */
export class RedirectSender implements Sender {
  readonly #next: Sender;

  constructor(next: Sender) {
    this.#next = next;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    let hop = request;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.#next.send(hop, context);
      if (response.kind === 'failed')
        return redirects === 0 ? response : inPlace(response, 'redirect-target', hop.host);
      if (!REDIRECTS.has(response.status)) {
        return redirects === 0 ? response : { ...response, redirects, redirectedTo: hop.host };
      }
      const next = nextHop(hop, response, context.registries);
      if ('kind' in next) return failedBecause(next, 'Blocked');
      hop = next;
    }
    return failedBecause({ kind: 'redirect-refused' }, 'Unavailable');
  }
}

/**
 * Returns the request of the next hop. Returns the cause of a failure when the response has no location, or when the
 * location has a blocked host, another protocol, or HTTP where only HTTPS is allowed.
 */
function nextHop(from: HttpRequest, response: HttpResponse, registries: Registries): HttpRequest | FailureCause {
  const url = parseLocation(from, response);
  if (url === undefined) return { kind: 'redirect-refused' };
  const host = url.host === from.url.host ? from.host : url.host;
  const entry = registries.entryFor(host);
  const mayBePlain = from.url.protocol === 'http:' || entry?.plainHttp === true;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBePlain)) {
    return { kind: 'redirect-refused', server: { place: 'redirect-target', host } };
  }
  if (entry?.blocked === true) return { kind: 'blocked-host', server: { place: 'redirect-target', host } };
  return {
    ...from,
    url,
    host,
    headers: url.origin === from.url.origin ? from.headers : withoutCredential(from.headers),
  };
}

function parseLocation(from: HttpRequest, response: HttpResponse): URL | undefined {
  const { location } = response.headers;
  if (location === undefined || location.length > MAX_LOCATION_LENGTH) return undefined;
  const url = URL.parse(location, from.url.href);
  return url?.username === '' && url.password === '' ? url : undefined;
}

function withoutCredential(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
}
