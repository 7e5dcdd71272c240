import { KeyedConcurrencyLimit, yieldToEventLoop } from '@archpolicy/async';

/** Works on something after its answer is out; its signal aborts when the process ends. */
export type AuditTask = (signal: AbortSignal) => Promise<void>;

/** Audits that run at a time: they share the event loop with answers that are waited for. */
const MAX_RUNNING = 8;
/** A burst of pods: tasks that run or wait. Beyond it audits are dropped and counted. */
const MAX_TASKS = 1_000;
/** What waiting and running tasks hold of reviews in all: a burst of ordinary pods (8 KB each), or a few huge ones. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

const MAX_WAITING = MAX_TASKS - MAX_RUNNING;

export interface AuditQueueOptions {
  /** Told of each task's end, or that it was dropped. */
  readonly onOutcome: (outcome: 'done' | 'dropped' | 'failed', error?: unknown) => void;
}

/** What Audit mode does after the answer: bounded, and the first to give way. */
export class AuditQueue {
  readonly #onOutcome: AuditQueueOptions['onOutcome'];
  readonly #limit = new KeyedConcurrencyLimit({
    priorities: ['audit'],
    maxRunning: MAX_RUNNING,
    maxRunningPerKey: MAX_RUNNING,
    maxWaiting: MAX_WAITING,
    maxWaitingPerKey: MAX_WAITING,
  });
  /** Tasks that wait or run. */
  readonly pending = new Set<Promise<void>>();
  #offered = 0;
  #heldBytes = 0;
  readonly #closing = new AbortController();

  constructor({ onOutcome }: AuditQueueOptions) {
    this.#onOutcome = onOutcome;
  }

  /**
   * Takes a task, if there is room. It begins when the present turn of the event loop is over at the earliest.
   * @param bytes size of the review that the task holds on to
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

  /** Drops what waits and waits for what runs, whose signal aborts. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.pending);
  }

  #hasRoom(bytes: number): boolean {
    return !this.#closing.signal.aborted && this.#heldBytes + bytes <= MAX_HELD_BYTES;
  }

  /** Undefined when too many tasks wait. */
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
