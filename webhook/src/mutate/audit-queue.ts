import { KeyedConcurrencyLimit, yieldToEventLoop } from '@archpolicy/async';

/** Work that begins after the response of a review. Its signal aborts at shutdown. */
export type AuditTask = (signal: AbortSignal) => Promise<void>;

/**
 * Maximum number of concurrent audits. It is low because audits share the event loop with reviews, for which clients
 * wait.
 */
const MAX_RUNNING = 8;
/** Maximum number of running and queued audits. Further audits are dropped and counted. */
const MAX_TASKS = 1_000;
/**
 * Maximum size of all reviews that tasks hold in memory. It is enough for a burst of typical pods (8 KB each) or for a
 * few huge ones.
 */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

const MAX_WAITING = MAX_TASKS - MAX_RUNNING;

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
    maxRunningPerKey: MAX_RUNNING,
    maxWaiting: MAX_WAITING,
    maxWaitingPerKey: MAX_WAITING,
  });
  /** Queued and running tasks. */
  readonly pending = new Set<Promise<void>>();
  #offered = 0;
  #heldBytes = 0;
  readonly #closing = new AbortController();

  constructor({ onOutcome }: AuditQueueOptions) {
    this.#onOutcome = onOutcome;
  }

  /**
   * Queues a task, or drops it if the queue is full. The task starts after the next yield to the event loop, so that
   * the response is sent first.
   * @param bytes size of the review that the task retains
   */
  offer(task: AuditTask, bytes: number): void {
    const running = this.#hasRoom(bytes) ? this.#start(task) : undefined;
    if (running === undefined) {
      this.#onOutcome('dropped');
      return;
    }
    this.#heldBytes += bytes;
    const ended = running.finally(() => {
      this.#heldBytes -= bytes;
      this.pending.delete(ended);
    });
    this.pending.add(ended);
  }

  /** Drops queued tasks, aborts running tasks and waits for them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.pending);
  }

  #hasRoom(bytes: number): boolean {
    return !this.#closing.signal.aborted && this.#heldBytes + bytes <= MAX_HELD_BYTES;
  }

  /** Starts or queues a task. Returns undefined if the queue is full. */
  #start(task: AuditTask): Promise<void> | undefined {
    const answered = yieldToEventLoop();
    this.#offered += 1;
    const slot = { priority: 'audit', key: 'all', item: String(this.#offered) } as const;
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
