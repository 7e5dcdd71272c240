import { KeyedConcurrencyLimit } from '@archpolicy/async';

/** Whether a pod waits for the read, or the read serves a recheck, a refresh or keep-warm. */
export type ReadPriority = 'urgent' | 'background';

/**
 * Maximum number of concurrent reads, in all and in one namespace. In all they are fewer than the 32 connections of the client, so that
 * evictions and patches of gates have connections although every read hangs. A namespace has half of them at most.
 */
const MAX_READS = {
  urgent: { maxRunning: 16, maxRunningPerKey: 8 },
  background: { maxRunning: 8, maxRunningPerKey: 4 },
};
/** Maximum number of waiting reads, in all and in one namespace: those of four pods with the most secrets. */
const MAX_WAITING = { maxWaiting: 2_000, maxWaitingPerKey: 64 };

/** Limits the reads of several caches, by priority. Waiting reads are served round-robin over the namespaces. */
export class ReadLimits {
  readonly #limits = {
    urgent: new KeyedConcurrencyLimit({ priorities: ['read'], ...MAX_READS.urgent, ...MAX_WAITING }),
    background: new KeyedConcurrencyLimit({ priorities: ['read'], ...MAX_READS.background, ...MAX_WAITING }),
  };

  /** Runs the read as soon as a slot is free. If too many reads wait, returns undefined and does not run it. */
  run<T>(priority: ReadPriority, namespace: string, item: string, read: () => Promise<T>): Promise<T> | undefined {
    return this.#limits[priority].run({ priority: 'read', key: namespace, item }, read);
  }
}
