import { withTimeout } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import { WAITING_HELPS } from '@archpolicy/core';
import type { Inspection } from '@archpolicy/core';
import type { Inspector } from '@archpolicy/registry';
import { SOFT_TTL_MS } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import type { KeepWarmMetrics, WarmOutcome } from './metrics.ts';
import { RefreshSchedule } from './refresh-schedule.ts';
import { listImagesInUse } from './images-in-use.ts';
import type { ImageInUse } from './image-in-use.ts';
import type { ImageSources } from './images-in-use.ts';

export interface KeepWarmOptions {
  readonly sources: ImageSources;
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly metrics: KeepWarmMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Share of an image's soft TTL after which the image is refreshed. The remaining share is for the time that the refresh
 * may wait for rate limits.
 */
const REFRESH_SHARE = 0.75;
/**
 * Jitter of the time until the next refresh, as a share of the TTL. With the jitter, images that were fetched at the
 * same time are not refreshed at the same time.
 */
const JITTER = 0.1;
/** How often the images in use are listed. */
const LIST_MS = 60_000;
/**
 * How often the images in use are listed while the list is empty. It is empty until a new leader has evaluated the
 * pods.
 */
const LIST_EMPTY_MS = 5_000;
const TICK_MS = 1_000;
/**
 * Maximum number of registry hosts whose images are inspected at the same time. Each host has one inspection at a time.
 */
const MAX_HOSTS_AT_ONCE = 64;
/** Of these, the maximum for images of one namespace: hosts that do not answer keep an inspection for long. */
const MAX_HOSTS_PER_NAMESPACE = 16;
/** How long one inspection may take. It is longer than the inspector's own deadline for one image. */
const BUDGET_MS = 20_000;
/** Delay of the retry after a transient error. The retry takes place before the cache entry expires. */
const RETRY_MS = 2 * 60_000;
/** Delay of the retry after a failure that waiting does not fix, such as a rejection. */
const FINAL_RETRY_MS = SOFT_TTL_MS.otherwise;

/**
 * Refreshes the images of running pods and CronJobs before their cache entries expire. So the images of pods that are
 * created by a scale-up or a restart are in the shared cache. Inspections have background priority, run one at a time
 * per registry host, and are spread over the TTL.
 */
export class KeepWarm {
  readonly #options: KeepWarmOptions;
  readonly schedule = new RefreshSchedule();
  readonly #busy = new Map<string, Promise<void>>();
  /** The number of hosts at which an image of the namespace is inspected. */
  readonly #hostsInUse = new Map<string, number>();

  constructor(options: KeepWarmOptions) {
    this.#options = options;
  }

  /** Runs until the signal is aborted and pending inspections have ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#options;
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      if (clock.monotonic() - sweptAtMs >= (this.schedule.size === 0 ? LIST_EMPTY_MS : LIST_MS)) {
        await this.updateSchedule(signal);
        sweptAtMs = clock.monotonic();
      }
      this.#startDue(signal);
      metrics.images(this.schedule.size, this.schedule.countDue(clock.monotonic()));
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
    await Promise.all(this.#busy.values());
    metrics.images(0, 0);
  }

  async updateSchedule(signal: AbortSignal): Promise<void> {
    const { sources, clock, random } = this.#options;
    const wanted = await listImagesInUse(sources, signal);
    if (signal.aborted) return;
    const now = clock.monotonic();
    // The first inspections are spread over the same period as all later ones, because the ages of the cache entries
    // are unknown.
    this.schedule.replace(wanted, () => now + random() * SOFT_TTL_MS.otherwise * REFRESH_SHARE);
  }

  #startDue(signal: AbortSignal): void {
    const now = this.#options.clock.monotonic();
    for (const host of this.schedule.hosts()) {
      if (this.#busy.size >= MAX_HOSTS_AT_ONCE) return;
      const image = this.#busy.has(host) ? undefined : this.#nextDue(host, now);
      if (image === undefined) continue;
      const working = this.refreshHost(host, signal).finally(() => {
        this.#busy.delete(host);
      });
      this.#busy.set(host, working);
    }
  }

  /** Returns the next image of the host, unless its namespace has its share of the hosts in use. */
  #nextDue(host: string, nowMs: number): ImageInUse | undefined {
    const image = this.schedule.nextDue(host, nowMs);
    const inUse = image === undefined ? 0 : (this.#hostsInUse.get(image.namespace) ?? 0);
    return inUse < MAX_HOSTS_PER_NAMESPACE ? image : undefined;
  }

  async refreshHost(host: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const image = signal.aborted ? undefined : this.#nextDue(host, clock.monotonic());
      if (image === undefined) return;
      this.#useHost(image.namespace, 1);
      const inspection = await this.inspect(image, signal);
      this.#useHost(image.namespace, -1);
      this.schedule.schedule(image, clock.monotonic() + this.nextDelayMs(image, inspection));
    }
  }

  /**
   * Inspects an image. Returns undefined if a pull secret could not be read, because a result without all pull secrets
   * would be meaningless.
   */
  async inspect(
    { image, namespace, ttlMs, pullSecrets }: ImageInUse,
    signal: AbortSignal,
  ): Promise<Inspection | undefined> {
    try {
      const { clock } = this.#options;
      const { secrets, complete } = await withTimeout({ clock, ms: BUDGET_MS, signal }, pullSecrets);
      if (!complete) return undefined;
      return await this.#options.inspector.inspect({
        reference: image,
        tenant: namespace,
        pullSecrets: secrets,
        priority: 'background',
        maxAgeMs: ttlMs * REFRESH_SHARE,
        budgetMs: BUDGET_MS,
        signal,
      });
    } catch (err) {
      if (!signal.aborted) this.#options.logger.warn({ err, image }, 'failed to refresh image, retrying later');
      return undefined;
    }
  }

  #useHost(namespace: string, change: 1 | -1): void {
    const inUse = (this.#hostsInUse.get(namespace) ?? 0) + change;
    if (inUse > 0) this.#hostsInUse.set(namespace, inUse);
    else this.#hostsInUse.delete(namespace);
  }

  /** Counts the outcome. Returns the milliseconds until the next inspection. */
  nextDelayMs({ ttlMs }: ImageInUse, inspection: Inspection | undefined): number {
    const { metrics, clock, random } = this.#options;
    const outcome = toOutcome(inspection, ttlMs * REFRESH_SHARE);
    metrics.inspected(outcome);
    if (inspection?.kind === 'resolved' && outcome === 'warm') {
      return ttlMs * (REFRESH_SHARE + random() * JITTER) - inspection.ageMs;
    }
    if (inspection?.kind !== 'unresolved') return RETRY_MS;
    const again = WAITING_HELPS.has(inspection.reason) ? RETRY_MS : FINAL_RETRY_MS;
    return Math.max(again, (inspection.retryAtMs ?? 0) - clock.now());
  }
}

function toOutcome(inspection: Inspection | undefined, maxAgeMs: number): WarmOutcome {
  if (inspection?.kind !== 'resolved') return 'failed';
  return inspection.ageMs < maxAgeMs ? 'warm' : 'stale';
}
