import { connectionFor } from '../config/host-settings.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/**
 * Adds to each request the allowed addresses (I8) and the TLS files (I7) of its host. The addresses are checked while
 * connecting (`address-guard/connector.ts`), because a name may resolve to another address at any time.
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
