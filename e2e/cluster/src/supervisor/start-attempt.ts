import { runInOrder } from '../components/catalogue.ts';
import type { Cluster, Component, ComponentName, Unit } from '../component/component.ts';
import { ClusterError } from '../errors.ts';
import type { StartEvent } from './protocol.ts';
import type { Runner, Running } from './runner.ts';

export interface StartOptions {
  readonly cluster: Cluster;
  readonly runner: Pick<Runner, 'start' | 'died'>;
  /** Aborted when the client no longer waits for the start. */
  readonly signal: AbortSignal;
  readonly isRunning: (name: ComponentName) => boolean;
  readonly wasStartedBefore: (name: ComponentName) => boolean;
  readonly onStart: (name: ComponentName, running: Running) => void;
  readonly report: (event: StartEvent) => void;
}

/** One start of a cluster or of its missing parts. The first failure cancels all other steps. */
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

  /** The components that this attempt started, to be stopped if it fails. */
  get started(): ReadonlyMap<ComponentName, Running> {
    return this.#started;
  }

  /** @throws ClusterError for the first failure, not for failures that it caused */
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
    // If this component exits, cancel the other units, because they may wait for it.
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
    // `abort` keeps the first reason.
    this.#failure.abort(error);
  }
}
