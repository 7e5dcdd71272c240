import type { Clock } from '@archpolicy/async';
import type { PodRecord } from './pod-record.ts';

interface Misplaced {
  readonly uid: string;
  /** When an evaluation first found the pod misplaced, monotonic milliseconds. */
  readonly sinceMs: number;
}

/** Since when each misplaced pod has been misplaced. */
export class MisplacedAges {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By key. A Map iterates in the order of insertion, so the first entry is the oldest. */
  readonly #misplaced = new Map<string, Misplaced>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Records the evaluation of a pod, or that the pod is no longer counted. */
  update(key: string, record: Pick<PodRecord, 'uid' | 'assessment'> | undefined): void {
    const isMisplaced = record?.assessment === 'misplaced';
    if (isMisplaced && this.#misplaced.get(key)?.uid === record.uid) return;
    this.#misplaced.delete(key);
    if (isMisplaced) this.#misplaced.set(key, { uid: record.uid, sinceMs: this.#clock.monotonic() });
  }

  /** How long the oldest misplaced pod has been misplaced, milliseconds; 0 if no pod is. */
  get oldestMs(): number {
    for (const { sinceMs } of this.#misplaced.values()) return this.#clock.monotonic() - sinceMs;
    return 0;
  }
}
