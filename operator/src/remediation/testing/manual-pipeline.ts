import type { ReconcileResult } from '@archpolicy/kube';
import type { NextStep, Pipeline, Stages } from '../queue/eviction-pipeline.ts';
import type { WakeUp } from '../queue/fair-queue.ts';

/** A pipeline whose stages run when a test says so, one pod at a time. */
export class ManualPipeline implements Pipeline {
  /** What has been enqueued, in order. It stays: tests run the stages themselves. */
  readonly enqueued: WakeUp[] = [];
  readonly evaluations = {
    length: 0,
    add: (key: string): void => {
      this.enqueue(key);
    },
  };
  #stages: Stages | undefined;

  enqueue(key: string, delayMs = 0): void {
    this.enqueued.push({ key, delayMs });
  }

  startEvictions(): void {
    // Evictions start when the test starts them.
  }

  run(stages: Stages): Promise<void> {
    this.#stages = stages;
    return Promise.resolve();
  }

  /** Evaluates the pod of this key, and evicts it if it is queued for that. */
  async work(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const next = await this.#running.evaluate(key, signal);
    return next.kind === 'evict' ? this.evict(key, signal) : toResult(next);
  }

  async evict(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    return toResult(await this.#running.evict(key, signal));
  }

  get #running(): Stages {
    if (this.#stages === undefined) throw new Error('remediation does not run');
    return this.#stages;
  }
}

function toResult(next: NextStep): ReconcileResult {
  return next.kind === 'evaluate' ? { requeueAfterMs: next.afterMs } : {};
}
