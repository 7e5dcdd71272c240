import { limitsFor } from '../config/host-settings.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** Delays requests of background inspections until they have a permit for their host (K5). Other requests need none. */
export class PermitSender implements Sender {
  readonly #next: Sender;

  constructor(next: Sender) {
    this.#next = next;
  }

  send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const { permit } = context;
    return permit === undefined ? this.#next.send(request, context) : this.#sendWith(permit, request, context);
  }

  async #sendWith(
    permit: BackgroundPermit,
    request: HttpRequest,
    context: RequestContext,
  ): Promise<HttpResponse | FetchFailure> {
    const rejection = await permit.acquire(limitsFor(request.host, context.registries), context.signal);
    return rejection ?? this.#next.send(request, context);
  }
}
