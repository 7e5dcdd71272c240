import { connectionFor } from '../config/host-settings.ts';
import { selectProxy } from '../config/proxies.ts';
import type { EnvironmentProxies } from '../config/proxies.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/**
 * Adds to each request the allowed addresses (I8), the proxy and the TLS files (I7) of its host. The addresses are checked
 * while connecting (`address-guard/connector.ts`), because a name may resolve to another address at any time.
 */
export class AddressGuardSender implements Sender {
  readonly #next: Sender;
  readonly #proxies: EnvironmentProxies;

  constructor(next: Sender, proxies: EnvironmentProxies) {
    this.#next = next;
    this.#proxies = proxies;
  }

  send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const { registries, attempt } = context;
    const { url, host } = request;
    const proxy = selectProxy({ url, host, endpointHost: attempt.endpoint.host }, registries, this.#proxies);
    const connection = { ...connectionFor(host, registries), ...(proxy === undefined ? {} : { proxy }) };
    return this.#next.send({ ...request, connection }, context);
  }
}
