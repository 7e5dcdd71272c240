import { KeyedConcurrencyLimit, yieldToEventLoop } from '@archpolicy/async';

/** Work that begins after the response of a review. Its signal aborts at shutdown. */
export type AuditTask = (signal: AbortSignal) => Promise<void>;

/**
 * Maximum number of concurrent audits of one namespace. It is low because audits share the event loop with reviews, for
 * which clients wait.
 */
const MAX_RUNNING_PER_NAMESPACE = 8;
/** Maximum number of concurrent audits. It is higher, because audits of a namespace whose registries hang take 15 s each. */
const MAX_RUNNING = 64;
/** Maximum number of running and queued audits, half of them of one namespace. Further audits are dropped and counted. */
const MAX_TASKS = 1_000;
/**
 * Maximum size of all reviews that tasks hold in memory. It is enough for a burst of typical pods (8 KB each) or for a
 * few huge ones.
 */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** The share of it that one namespace may hold. */
const MAX_HELD_BYTES_PER_NAMESPACE = MAX_HELD_BYTES / 2;

/** The review that a task retains. */
export interface AuditedReview {
  readonly namespace: string;
  readonly bytes: number;
}

export interface AuditQueueOptions {
  /** Called when a task ends or is dropped. */
  readonly onOutcome: (outcome: 'done' | 'dropped' | 'failed', error?: unknown) => void;
}

/**
 * Runs the audits of pods whose policy is in mode Audit, after the response to the review. Limits the number, the
 * concurrency and the memory of the audits.
 */
export class AuditQueue {
  readonly #onOutcome: AuditQueueOptions['onOutcome'];
  readonly #limit = new KeyedConcurrencyLimit({
    priorities: ['audit'],
    maxRunning: MAX_RUNNING,
    maxRunningPerKey: MAX_RUNNING_PER_NAMESPACE,
    maxWaiting: MAX_TASKS - MAX_RUNNING,
    maxWaitingPerKey: MAX_TASKS / 2 - MAX_RUNNING_PER_NAMESPACE,
  });
  /** Queued and running tasks. */
  readonly pending = new Set<Promise<void>>();
  #offered = 0;
  #heldBytes = 0;
  readonly #heldByNamespace = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor({ onOutcome }: AuditQueueOptions) {
    this.#onOutcome = onOutcome;
  }

  /**
   * Queues a task, or drops it if the queue is full. The task starts after the next yield to the event loop, so that
   * the response is sent first.
   */
  offer(task: AuditTask, review: AuditedReview): void {
    const running = this.#hasRoom(review) ? this.#start(task, review.namespace) : undefined;
    if (running === undefined) {
      this.#onOutcome('dropped');
      return;
    }
    this.#hold(review, 1);
    const ended = running.finally(() => {
      this.#hold(review, -1);
      this.pending.delete(ended);
    });
    this.pending.add(ended);
  }

  /** Drops queued tasks, aborts running tasks and waits for them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.pending);
  }

  #hasRoom({ namespace, bytes }: AuditedReview): boolean {
    const ofNamespace = (this.#heldByNamespace.get(namespace) ?? 0) + bytes;
    if (this.#closing.signal.aborted || ofNamespace > MAX_HELD_BYTES_PER_NAMESPACE) return false;
    return this.#heldBytes + bytes <= MAX_HELD_BYTES;
  }

  #hold({ namespace, bytes }: AuditedReview, factor: 1 | -1): void {
    this.#heldBytes += factor * bytes;
    const ofNamespace = (this.#heldByNamespace.get(namespace) ?? 0) + factor * bytes;
    if (ofNamespace > 0) this.#heldByNamespace.set(namespace, ofNamespace);
    else this.#heldByNamespace.delete(namespace);
  }

  /** Starts or queues a task. Returns undefined if the queue is full. */
  #start(task: AuditTask, namespace: string): Promise<void> | undefined {
    const answered = yieldToEventLoop();
    this.#offered += 1;
    const slot = { priority: 'audit', key: namespace, item: String(this.#offered) } as const;
    return this.#limit.run(slot, async () => {
      await answered;
      await this.#run(task);
    });
  }

  async #run(task: AuditTask): Promise<void> {
    if (this.#closing.signal.aborted) {
      this.#onOutcome('dropped');
      return;
    }
    try {
      await task(this.#closing.signal);
      this.#onOutcome('done');
    } catch (error) {
      this.#onOutcome('failed', error);
    }
  }
}
