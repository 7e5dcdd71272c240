import { runInOrder } from '../components/catalogue.ts';
import type { Cluster, Component, ComponentName, Unit } from '../component/component.ts';
import { ClusterError } from '../errors.ts';
import type { StartEvent } from './protocol.ts';
import type { Runner, Running } from './runner.ts';

export interface StartOptions {
  readonly cluster: Cluster;
  readonly runner: Pick<Runner, 'start' | 'died'>;
  /** Aborted when nobody waits for the cluster any more. */
  readonly signal: AbortSignal;
  readonly isRunning: (name: ComponentName) => boolean;
  readonly wasStartedBefore: (name: ComponentName) => boolean;
  readonly onStart: (name: ComponentName, running: Running) => void;
  readonly report: (event: StartEvent) => void;
}

/** One start of a cluster, or of what it lacks: the first thing that goes wrong ends all of it. */
export class StartAttempt {
  readonly #options: StartOptions;
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  readonly #started = new Map<ComponentName, Running>();
  #isOver = false;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#failure.signal]);
  }

  /** What this attempt started: to be ended again when it fails. */
  get started(): ReadonlyMap<ComponentName, Running> {
    return this.#started;
  }

  /** @throws ClusterError the first that went wrong, not what followed from it */
  async run(units: readonly Unit[]): Promise<void> {
    try {
      await runInOrder(units, (unit) => this.#unit(unit));
      await this.#checkAlive();
    } catch (error) {
      throw this.#failure.signal.aborted ? this.#failure.signal.reason : error;
    } finally {
      this.#isOver = true;
    }
  }

  async #unit(unit: Unit): Promise<void> {
    if (this.#signal.aborted) throw new ClusterError('Cancelled', 'cancelled');
    const begin = performance.now();
    const wasRunning = unit.kind === 'component' && this.#options.isRunning(unit.name);
    try {
      if (unit.kind === 'task') await unit.run(this.#options.cluster, this.#signal);
      else if (!wasRunning) await this.#component(unit);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    const seconds = (performance.now() - begin) / 1000;
    this.#options.report({ kind: 'done', name: unit.name, seconds, wasRunning });
  }

  async #component(component: Component): Promise<void> {
    const { cluster, runner, wasStartedBefore } = this.#options;
    await runner.start(component, cluster, {
      signal: this.#signal,
      isRestart: wasStartedBefore(component.name),
      onStart: (running) => {
        this.#started.set(component.name, running);
        this.#options.onStart(component.name, running);
      },
    });
    const running = this.#started.get(component.name);
    // Others wait for what this component does: its end must end their waiting.
    void running?.child.exited.then(async () => {
      if (!this.#isOver && !this.#signal.aborted) this.#fail(await runner.died(component.name, running));
    });
  }

  async #checkAlive(): Promise<void> {
    for (const [name, running] of this.#started) {
      if (running.child.exit() !== undefined) throw await this.#options.runner.died(name, running);
    }
  }

  #fail(error: unknown): void {
    // The first reason stays.
    this.#failure.abort(error);
  }
}
