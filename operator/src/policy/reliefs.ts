import { RELAXED_FOR_MS } from '@archpolicy/core';

/** A workload that is stuck again within this time after its relief is relaxed for twice as long, up to this long. */
const DAY_MS = 24 * 60 * 60_000;
/** The oldest reliefs beyond this number are dropped: their workloads are relaxed for an hour again. */
const MAX_REMEMBERED = 5_000;

interface Relief {
  readonly untilMs: number;
  readonly lengthMs: number;
}

/**
 * How long workloads are relaxed (R9): an hour, and twice as long as before for one that is stuck again within a day. The cause
 * may be a lasting one (a volume), and each time costs its pods two minutes and an eviction.
 */
export class Reliefs {
  /** By policy and workload, the latest last. Epoch milliseconds: statuses of a former leader are among them. */
  readonly #reliefs = new Map<string, Relief>();

  lengthMs(policy: string, workload: string, nowMs: number): number {
    const before = this.#reliefs.get(keyOf(policy, workload));
    if (before === undefined || nowMs >= before.untilMs + DAY_MS) return RELAXED_FOR_MS;
    return Math.min(before.lengthMs * 2, DAY_MS);
  }

  /** Records that the workload is relaxed for `lengthMs` from now on. Returns the function that restores the record before. */
  begin(policy: string, workload: string, lengthMs: number, nowMs: number): () => void {
    const key = keyOf(policy, workload);
    const before = this.#reliefs.get(key);
    this.#reliefs.delete(key);
    this.#reliefs.set(key, { untilMs: nowMs + lengthMs, lengthMs });
    if (this.#reliefs.size > MAX_REMEMBERED) this.#forgetOldest();
    return () => {
      if (before === undefined) this.#reliefs.delete(key);
      else this.#reliefs.set(key, before);
    };
  }

  /** The status shows that the workload is relaxed: a former leader may have written it, for an unknown length. */
  learn(policy: string, workload: string, untilMs: number, nowMs: number): void {
    if (this.#reliefs.has(keyOf(policy, workload))) return;
    const lengthMs = Math.max(untilMs - nowMs, RELAXED_FOR_MS);
    this.begin(policy, workload, lengthMs, untilMs - lengthMs);
  }

  forget(policy: string): void {
    for (const key of this.#reliefs.keys()) if (key.startsWith(`${policy} `)) this.#reliefs.delete(key);
  }

  #forgetOldest(): void {
    for (const key of this.#reliefs.keys()) {
      this.#reliefs.delete(key);
      return;
    }
  }
}

/** The parts contain no space. */
function keyOf(policy: string, workload: string): string {
  return `${policy} ${workload}`;
}
