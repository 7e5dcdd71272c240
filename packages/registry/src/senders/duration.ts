import type { Clock } from '@archpolicy/async';
import type { FetchFailure } from '../http/outcome.ts';
import type { RegistryMetrics } from '../metrics.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** Measures each request from its start to the end of its body, or to its failure. */
export class DurationSender implements Sender {
  readonly #next: Sender;
  readonly #metrics: Pick<RegistryMetrics, 'requestTook'>;
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(next: Sender, metrics: Pick<RegistryMetrics, 'requestTook'>, clock: Pick<Clock, 'monotonic'>) {
    this.#next = next;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** Not an async function: each async frame between an inspection and the network costs time for every image. */
  send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const startedAtMs = this.#clock.monotonic();
    return this.#next.send(request, context).then((response) => {
      this.#metrics.requestTook(context.registries.labelFor(request.host), this.#clock.monotonic() - startedAtMs);
      return response;
    });
  }
}
