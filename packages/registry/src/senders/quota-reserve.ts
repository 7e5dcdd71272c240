import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { quotaFromHeaders } from '../http/rate-limit-headers.ts';
import type { Quota } from '../http/rate-limit-headers.ts';
import { rateLimitedKey, toRateLimited } from '../limits/rate-limited.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** The share of a quota that remains for other namespaces. */
const RESERVED_SHARE = 0.5;
/** How long a reported quota counts, milliseconds. After that, one request finds out whether it has recovered. */
const REPORT_TTL_MS = 60 * 60_000;
/** Maximum number of quotas in memory, because tenants choose hosts and credentials. */
const MAX_QUOTAS = 1_000;

interface QuotaState {
  /** The last report of the host. Undefined until it has sent one. */
  reported: (Quota & { readonly atMs: number }) | undefined;
  /** The number of requests without a response. */
  inFlight: number;
}

/**
 * Leaves the second half of a quota that a registry reports (`ratelimit-remaining`) to inspections within the share of
 * their namespace (K5). A request of any other inspection is not sent: its image is inspected later.
 */
export class QuotaReserveSender implements Sender {
  readonly #next: Sender;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By the requests that share a quota. */
  readonly #quotas = new LRUCache<string, QuotaState>({
    max: MAX_QUOTAS,
    memoMethod: () => ({ reported: undefined, inFlight: 0 }),
  });

  constructor(next: Sender, clock: Pick<Clock, 'monotonic'>) {
    this.#next = next;
    this.#clock = clock;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const { endpoint, scope } = context.attempt;
    const limited = toRateLimited({ host: request.host, endpointHost: endpoint.host, scope });
    const state = this.#quotas.memo(rateLimitedKey(limited));
    if (context.leavesQuota === true && this.#isReserved(state)) return failed('Deadline');
    state.inFlight += 1;
    try {
      const response = await this.#next.send(request, context);
      if (response.kind === 'response') this.#observe(state, response);
      return response;
    } finally {
      state.inFlight -= 1;
    }
  }

  #isReserved({ reported, inFlight }: QuotaState): boolean {
    if (reported === undefined || this.#clock.monotonic() - reported.atMs >= REPORT_TTL_MS) return false;
    return reported.remaining - inFlight <= reported.limit * RESERVED_SHARE;
  }

  #observe(state: QuotaState, { headers }: HttpResponse): void {
    const quota = quotaFromHeaders(headers);
    if (quota !== undefined) state.reported = { ...quota, atMs: this.#clock.monotonic() };
  }
}
