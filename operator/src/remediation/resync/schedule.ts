import type { Clock } from '@archpolicy/async';
import { parseDurationMs } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';
import type { ResyncProgress } from './progress.ts';

/** A pod that is rechecked. */
export interface Rechecked {
  readonly policy: string;
  /** The point within each interval at which the pod is due, as a share of the interval in [0, 1). */
  readonly phase: number;
}

/** Interval at which due pods are enqueued. */
const CHECK_MS = 500;

export interface RecheckScheduleOptions {
  readonly pods: { entries(): Iterable<readonly [string, Rechecked]> };
  readonly policies: { list(): readonly ArchPolicy[] };
  readonly progress: Pick<ResyncProgress, 'due' | 'endInterval' | 'ageMs'>;
  readonly queue: { enqueue(keys: Iterable<string>): void };
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
}

/**
 * Enqueues each pod once within every `recheckInterval` of its policy. Uses the monotonic clock: if a step of the wall clock
 * counted, a step forward would enqueue all pods at once, and a step back would enqueue none for its duration.
 */
export class RecheckSchedule {
  readonly #options: RecheckScheduleOptions;
  #checkedAtMs: number;

  constructor(options: RecheckScheduleOptions) {
    this.#options = options;
    this.#checkedAtMs = options.clock.monotonic();
  }

  /** Enqueues pods that are due until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#enqueueDue();
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  #enqueueDue(): void {
    const { clock, policies, pods, progress, queue } = this.#options;
    const now = clock.monotonic();
    const intervals = recheckIntervals(policies.list());
    const { ageMs = 0 } = progress;
    // An interval ends before this check's pods are added: they are due in the next interval.
    if (intervals.size > 0 && ageMs >= Math.max(...intervals.values())) progress.endInterval();
    for (const key of dueForRecheck(pods.entries(), intervals, this.#checkedAtMs, now)) {
      progress.due(key);
      queue.enqueue([key]);
    }
    this.#checkedAtMs = now;
  }
}

/**
 * Returns the pods that are due between two times. Each pod has its own point within its policy's interval, so that the
 * evaluations of a policy's pods, and the load on registries, are spread evenly over the interval.
 *
 * @param fromMs exclusive, monotonic milliseconds
 * @param toMs inclusive
 */
export function* dueForRecheck(
  pods: Iterable<readonly [string, Rechecked]>,
  intervals: ReadonlyMap<string, number>,
  fromMs: number,
  toMs: number,
): Generator<string> {
  for (const [key, { phase, policy }] of pods) {
    const interval = intervals.get(policy);
    if (interval === undefined) continue;
    const offsetMs = phase * interval;
    if (Math.floor((toMs - offsetMs) / interval) > Math.floor((fromMs - offsetMs) / interval)) yield key;
  }
}

/** Returns the `recheckInterval` of each policy in milliseconds, by the policy's name. */
export function recheckIntervals(policies: readonly ArchPolicy[]): ReadonlyMap<string, number> {
  const intervals = new Map<string, number>();
  for (const { name, spec } of policies) {
    const interval = parseDurationMs(spec.remediation.recheckInterval);
    if (interval !== undefined) intervals.set(name, interval);
  }
  return intervals;
}
