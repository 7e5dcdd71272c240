import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { Clock, RateLimitTiming, Reconcile, ReconcileResult, WorkersObserver } from '@archpolicy/kube';

/** Most looks wait for nothing, those at new images for registries. */
const LOOKING_WORKERS = 16;
/** Each makes one call at a time; half of the connections that the client opens are left to others. */
const EVICTING_WORKERS = 16;
/** For an eviction that throws, first of all by an API server that does not answer: the pod is not looked at until then. */
const RETRY: RateLimitTiming = { firstMs: 200, maxMs: 15_000, perSecond: 10, burst: 100 };
/**
 * Evictions begin when all pods have been looked at once, and after this long in any case: the API server is busy with
 * them, and who is found first is then the most certain of all, not of those looked at so far.
 */
const FIRST_PASS_MS = 500;

export interface StagesOptions {
  readonly clock: Clock;
  readonly look: Reconcile<string>;
  /** What is to be done about the pod later begins with a look again. */
  readonly evict: Reconcile<string>;
  readonly observer: WorkersObserver<string>;
}

/**
 * The two things that are done with pods, each by workers of its own: looks, which are quick, and evictions, which wait for the
 * API server. What is misplaced is found without waiting for what is being put right.
 *
 * Invariant: nobody looks at a pod from the moment at which its eviction is due until that is over. Whatever was to be
 * looked at meanwhile is looked at then.
 */
export class Stages {
  readonly #options: StagesOptions;
  readonly #looks: WorkQueue<string>;
  readonly #evictions: WorkQueue<string>;
  /** Pods whose eviction is due or under way. */
  readonly #evicting = new Set<string>();
  /** Of these: pods that are to be looked at afterwards. */
  readonly #missed = new Set<string>();
  readonly #firstPass = new AbortController();

  constructor(options: StagesOptions) {
    const { clock } = options;
    this.#options = options;
    this.#looks = new WorkQueue({ clock });
    this.#evictions = new WorkQueue({ clock, rateLimit: RETRY });
  }

  /** Pods that workers could take now. */
  get length(): number {
    return this.#looks.length + this.#evictions.length;
  }

  /** The pods that are to be looked at. */
  get looks(): { readonly length: number; add(key: string): void } {
    return this.#looks;
  }

  /** Look at the pod, after `delayMs`. */
  look(key: string, delayMs = 0): void {
    this.#looks.addAfter(key, delayMs);
  }

  /** Evict the pod: to be called in its look. */
  evict(key: string): void {
    this.#evicting.add(key);
    this.#evictions.add(key);
  }

  /** All pods have been looked at. */
  firstPassDone(): void {
    this.#firstPass.abort();
  }

  /** Runs until the signal is aborted and what is under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { observer } = this.#options;
    await Promise.all([
      runWorkers(this.#looks, LOOKING_WORKERS, (key, ended) => this.#look(key, ended), signal, observer),
      this.#runEvictions(signal),
    ]);
    for (const queue of [this.#looks, this.#evictions]) queue.stop();
  }

  async #runEvictions(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#options;
    await clock.sleep(FIRST_PASS_MS, AbortSignal.any([signal, this.#firstPass.signal])).catch(() => undefined);
    await runWorkers(this.#evictions, EVICTING_WORKERS, (key, ended) => this.#evict(key, ended), signal, observer);
  }

  async #look(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (!this.#evicting.has(key)) return this.#options.look(key, signal);
    this.#missed.add(key);
    return {};
  }

  /** One that throws stays due: it is tried again with back-off, and begins with a look. */
  async #evict(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { requeueAfterMs } = await this.#options.evict(key, signal);
    this.#evicting.delete(key);
    if (this.#missed.delete(key)) this.look(key);
    if (requeueAfterMs !== undefined) this.look(key, requeueAfterMs);
    return {};
  }
}
