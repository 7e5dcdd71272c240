import { Fifo } from '@archpolicy/async';

/** Works on something after its answer is out; its signal aborts when the process ends. */
export type AuditTask = (signal: AbortSignal) => Promise<void>;

/** Audits that run at a time: they share the event loop with answers that are waited for. */
const MAX_RUNNING = 8;
/** A burst of pods; beyond it audits are dropped and counted. */
const MAX_WAITING = 1_000;
/** What waiting and running tasks hold of reviews in all: a burst of ordinary pods (8 KB each), or a few huge ones. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

interface Waiting {
  readonly task: AuditTask;
  readonly bytes: number;
}

export interface AuditQueueOptions {
  /** Told of each task's end, or that it was dropped. */
  readonly onOutcome: (outcome: 'done' | 'dropped' | 'failed', error?: unknown) => void;
}

/** What Audit mode does after the answer: bounded, and the first to give way. */
export class AuditQueue {
  readonly #onOutcome: AuditQueueOptions['onOutcome'];
  readonly #waiting = new Fifo<Waiting>();
  #heldBytes = 0;
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor({ onOutcome }: AuditQueueOptions) {
    this.#onOutcome = onOutcome;
  }

  /**
   * Takes a task, if there is room. It begins when the present turn of the event loop is over at the earliest.
   * @param bytes size of the review that the task holds on to
   */
  offer(task: AuditTask, bytes: number): void {
    if (!this.#hasRoom(bytes)) {
      this.#onOutcome('dropped');
      return;
    }
    this.#waiting.push({ task, bytes });
    this.#heldBytes += bytes;
    setImmediate(() => {
      this.#next();
    });
  }

  /** Drops what waits and waits for what runs, which is told to stop. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#waiting.shift() !== undefined) this.#onOutcome('dropped');
    await Promise.all(this.#running);
  }

  #hasRoom(bytes: number): boolean {
    if (this.#closing.signal.aborted || this.#waiting.size >= MAX_WAITING) return false;
    return this.#heldBytes + bytes <= MAX_HELD_BYTES;
  }

  #next(): void {
    if (this.#running.size >= MAX_RUNNING) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const run = this.#run(next.task).finally(() => {
      this.#heldBytes -= next.bytes;
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
