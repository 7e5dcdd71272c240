import { connectionFor } from '../config/host-settings.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/**
 * Decides for each request to which addresses its host may be connected (I8), and with which TLS files (I7). The addresses
 * are checked while connecting (`address-guard/connector.ts`), because a name may resolve to another one at any time.
 */
export class AddressGuardSender implements Sender {
  readonly #next: Sender;

  constructor(next: Sender) {
    this.#next = next;
  }

  send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    return this.#next.send({ ...request, connection: connectionFor(request.host, context.registries) }, context);
  }
}
