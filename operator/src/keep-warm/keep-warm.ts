import { withTimeout } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import { WAITING_HELPS } from '@archpolicy/core';
import type { Inspection } from '@archpolicy/core';
import type { Inspector } from '@archpolicy/registry';
import { SOFT_TTL_MS } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import type { KeepWarmMetrics, WarmOutcome } from './metrics.ts';
import { WarmSet } from './warm-set.ts';
import { wantedImages } from './wanted.ts';
import type { WarmImage, WarmSources } from './wanted.ts';

export interface KeepWarmOptions {
  readonly sources: WarmSources;
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly metrics: KeepWarmMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
}

/** What is known is looked at again when this part of its time has passed: the rest is for waiting one's turn. */
const WARM_SHARE = 0.75;
/** Some later, so that what came to be known together does not stay together. */
const JITTER = 0.1;
/** How often it is seen what is used. */
const SWEEP_MS = 60_000;
/** At the start of a term it is not known yet which pods a policy governs. */
const SWEEP_EMPTY_MS = 5_000;
const BEAT_MS = 1_000;
/** At most one request at a time goes to each registry, and to this many registries at once. */
const MAX_HOSTS_AT_ONCE = 16;
/** Longer than the inspector works on one image. */
const BUDGET_MS = 20_000;
/** A registry that does not answer now is asked again while what is known of its images still holds. */
const RETRY_MS = 2 * 60_000;
/** What it refuses, it will refuse again. */
const REFUSED_MS = SOFT_TTL_MS.otherwise;

/**
 * Looks again at the images of running pods and CronJobs before what is known of them is past its time, so that scale-ups
 * and restarts find an answer in the shared cache. Last in line everywhere: inspections of background priority, one at a
 * time at each registry, spread over the time that answers hold.
 */
export class KeepWarm {
  readonly #options: KeepWarmOptions;
  readonly #set = new WarmSet();
  readonly #busy = new Map<string, Promise<void>>();

  constructor(options: KeepWarmOptions) {
    this.#options = options;
  }

  /** Runs until the signal is aborted and what is under way has ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#options;
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      if (clock.monotonic() - sweptAtMs >= (this.#set.size === 0 ? SWEEP_EMPTY_MS : SWEEP_MS)) {
        await this.#sweep(signal);
        sweptAtMs = clock.monotonic();
      }
      this.#startDue(signal);
      metrics.images(this.#set.size, this.#set.due(clock.monotonic()));
      await clock.sleep(BEAT_MS, signal).catch(() => undefined);
    }
    await Promise.all(this.#busy.values());
    metrics.images(0, 0);
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { sources, clock, random } = this.#options;
    const wanted = await wantedImages(sources, signal);
    if (signal.aborted) return;
    const now = clock.monotonic();
    // Nobody knows yet how old the answers are: the first looks are spread like all later ones.
    this.#set.replace(wanted, () => now + random() * SOFT_TTL_MS.otherwise * WARM_SHARE);
  }

  #startDue(signal: AbortSignal): void {
    const now = this.#options.clock.monotonic();
    for (const host of this.#set.hosts()) {
      if (this.#busy.size >= MAX_HOSTS_AT_ONCE) return;
      if (this.#busy.has(host) || this.#set.nextOf(host, now) === undefined) continue;
      const working = this.#workOff(host, signal).finally(() => {
        this.#busy.delete(host);
      });
      this.#busy.set(host, working);
    }
  }

  async #workOff(host: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const image = signal.aborted ? undefined : this.#set.nextOf(host, clock.monotonic());
      if (image === undefined) return;
      const inspection = await this.#look(image, signal);
      this.#set.schedule(image, clock.monotonic() + this.#settle(image, inspection));
    }
  }

  /** Undefined when its credentials could not be read: without them the registry's answer would say nothing. */
  async #look({ image, ttlMs, pullSecrets }: WarmImage, signal: AbortSignal): Promise<Inspection | undefined> {
    try {
      const { clock } = this.#options;
      const { secrets, complete } = await withTimeout({ clock, ms: BUDGET_MS, signal }, pullSecrets);
      if (!complete) return undefined;
      return await this.#options.inspector.inspect({
        reference: image,
        pullSecrets: secrets,
        priority: 'background',
        maxAgeMs: ttlMs * WARM_SHARE,
        budgetMs: BUDGET_MS,
        signal,
      });
    } catch (err) {
      if (!signal.aborted) this.#options.logger.warn({ err, image }, 'an image could not be kept warm');
      return undefined;
    }
  }

  /** Counts what came of a look; milliseconds until the next one. */
  #settle({ ttlMs }: WarmImage, inspection: Inspection | undefined): number {
    const { metrics, clock, random } = this.#options;
    const outcome = outcomeOf(inspection, ttlMs * WARM_SHARE);
    metrics.looked(outcome);
    if (inspection?.kind === 'resolved' && outcome === 'warm') {
      return ttlMs * (WARM_SHARE + random() * JITTER) - inspection.ageMs;
    }
    if (inspection?.kind !== 'unresolved') return RETRY_MS;
    const again = WAITING_HELPS.has(inspection.reason) ? RETRY_MS : REFUSED_MS;
    return Math.max(again, (inspection.retryAtMs ?? 0) - clock.now());
  }
}

function outcomeOf(inspection: Inspection | undefined, maxAgeMs: number): WarmOutcome {
  if (inspection?.kind !== 'resolved') return 'failed';
  return inspection.ageMs < maxAgeMs ? 'warm' : 'stale';
}
