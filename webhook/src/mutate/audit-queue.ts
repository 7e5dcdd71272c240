/** Works on something after its answer is out; its signal aborts when the process ends. */
export type AuditTask = (signal: AbortSignal) => Promise<void>;

/** Audits that run at a time: they share the event loop with answers that are waited for. */
const MAX_RUNNING = 8;
/** A burst of pods; beyond it audits are dropped and counted, so that memory stays bounded (8 KB a pod). */
const MAX_WAITING = 1_000;

export interface AuditQueueOptions {
  /** Told of each task's end, or that it was dropped. */
  readonly onOutcome: (outcome: 'done' | 'dropped' | 'failed', error?: unknown) => void;
}

/** What Audit mode does after the answer: bounded, and the first to give way. */
export class AuditQueue {
  readonly #onOutcome: AuditQueueOptions['onOutcome'];
  readonly #waiting: AuditTask[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor({ onOutcome }: AuditQueueOptions) {
    this.#onOutcome = onOutcome;
  }

  /** Takes a task, if there is room. It begins when the present turn of the event loop is over at the earliest. */
  offer(task: AuditTask): void {
    if (this.#closing.signal.aborted || this.#waiting.length >= MAX_WAITING) {
      this.#onOutcome('dropped');
      return;
    }
    this.#waiting.push(task);
    setImmediate(() => {
      this.#next();
    });
  }

  /** Drops what waits and waits for what runs, which is told to stop. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiting.splice(0).forEach(() => {
      this.#onOutcome('dropped');
    });
    await Promise.all(this.#running);
  }

  #next(): void {
    if (this.#running.size >= MAX_RUNNING) return;
    const task = this.#waiting.shift();
    if (task === undefined) return;
    const run = this.#run(task).finally(() => {
      this.#running.delete(run);
      this.#next();
    });
    this.#running.add(run);
  }

  async #run(task: AuditTask): Promise<void> {
    try {
      await task(this.#closing.signal);
      this.#onOutcome('done');
    } catch (error) {
      this.#onOutcome('failed', error);
    }
  }
}
