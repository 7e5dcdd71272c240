import { limitsFor } from '../config/host-settings.ts';
import type { HostLimits } from '../config/host-settings.ts';
import type { Registries } from '../config/registries.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { BackgroundLimiter } from './background-limiter.ts';

/** The permits of one background inspection: one for its start and first request, then one for each further request. */
export class BackgroundPermit {
  readonly #limiter: BackgroundLimiter;
  readonly #registries: Registries;
  readonly #takeShare: () => boolean;
  readonly #promotion = new AbortController();
  #isPending = true;
  #isRejected = false;
  /** The host of the first request, which the first permit covers. */
  #firstHost: string | undefined;

  /** @param takeShare called before the image is fetched; returns false if the namespace has used up its share */
  constructor(limiter: BackgroundLimiter, registries: Registries, takeShare: () => boolean = () => true) {
    this.#takeShare = takeShare;
    this.#limiter = limiter;
    this.#registries = registries;
  }

  /** Whether the first permit is still to be acquired. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Whether a permit was not granted in time. The inspection must then send no further requests. */
  get isRejected(): boolean {
    return this.#isRejected && !this.#isPromoted();
  }

  /**
   * Waits for the first permit, which covers one request to the host. Then returns undefined. Returns a failure if the
   * permit cannot be acquired.
   *
   * @param isFetch whether the first request fetches an image, instead of confirming a cached one
   */
  async acquireFirst(endpointHost: string, isFetch: boolean, signal: AbortSignal): Promise<FetchFailure | undefined> {
    this.#isPending = false;
    if (isFetch && !this.#takeShare()) return failed('Deadline');
    const limits = limitsFor(endpointHost, this.#registries);
    this.#firstHost = limits.host;
    return this.#record(await this.#limiter.acquire({ limits, priority: 'new', signal }));
  }

  /** Waits for the permit of a request, then returns undefined. Returns a failure if the permit cannot be acquired. */
  async acquire(limits: HostLimits, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const isCovered = this.#firstHost === limits.host;
    this.#firstHost = undefined;
    if (isCovered || this.#isPromoted()) return undefined;
    const either = AbortSignal.any([signal, this.#promotion.signal]);
    const request = { limits, priority: 'follow-up', signal: either } as const;
    const rejection = await this.#limiter.acquire(request);
    return this.#isPromoted() ? undefined : this.#record(rejection);
  }

  /** Allows the inspection to send requests without further permits. Call this when a pod waits for the inspection. */
  promote(): void {
    this.#promotion.abort();
  }

  #record(rejection: FetchFailure | undefined): FetchFailure | undefined {
    if (rejection !== undefined) this.#isRejected = true;
    return rejection;
  }

  #isPromoted(): boolean {
    return this.#promotion.signal.aborted;
  }
}
