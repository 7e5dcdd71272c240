import type { Cluster, Component, ComponentName } from '../component/component.ts';
import { ClusterError, errorMessage } from '../errors.ts';
import type { Layout } from '../layout.ts';
import { describeExit, startChild } from '../process/child.ts';
import type { Child } from '../process/child.ts';
import { lastLines } from '../process/log-tail.ts';
import type { Ports } from '../process/ports.ts';

/** Maximum number of attempts. Each uses new ports, because a chosen port may turn out to be in use. */
const PORT_ATTEMPTS = 4;
/**
 * Number of log lines in an error. A Node.js process prints the reason of an uncaught error some lines before the end.
 */
const TAIL_LINES = 12;

/** A started component, which may have exited. */
export interface Running {
  readonly child: Child;
  readonly ports: readonly number[];
  readonly since: Date;
}

export interface RunnerOptions {
  readonly layout: Layout;
  readonly ports: Ports;
  /** The environment of every component. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: readonly string[];
}

/** Starts components one at a time, with a clear error if one does not start. */
export class Runner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /**
   * Starts the component and waits until it serves. Calls `onStart` as soon as the process exists, so that the caller
   * can stop it.
   * @param isRestart whether to keep the ports, because the configuration of other components contains them
   */
  async start(
    component: Component,
    cluster: Cluster,
    options: {
      readonly signal: AbortSignal;
      readonly isRestart: boolean;
      readonly onStart: (running: Running) => void;
    },
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const ended = await this.#attempt(component, cluster, options);
      if (ended === undefined) return;
      const mayRetry = !options.isRestart && attempt < PORT_ATTEMPTS;
      if (!mayRetry || !(await this.#sawTakenPort(component.name))) throw await this.died(component.name, ended);
      this.#options.ports.forget(component.name);
    }
  }

  /**
   * Starts the component once. Returns undefined when the component serves. If the component exits before, returns the
   * exited component.
   */
  async #attempt(
    component: Component,
    cluster: Cluster,
    { signal, onStart }: { readonly signal: AbortSignal; readonly onStart: (running: Running) => void },
  ): Promise<Running | undefined> {
    const { layout, ports, env, prefix } = this.#options;
    const chosen = await ports.choose(component.name, component.ports);
    const launch = await component.launch(cluster, chosen);
    const child = startChild({
      command: launch.command,
      args: launch.args,
      env: { ...env, ...launch.env },
      cwd: layout.run(),
      logFile: layout.log(component.name),
      prefix,
    });
    const running = { child, ports: [...chosen.values()], since: new Date() };
    onStart(running);
    const stop = new AbortController();
    const ready = launch.ready(AbortSignal.any([signal, stop.signal])).then(() => 'ready' as const);
    const first = await Promise.race([ready, child.exited]).catch((error: unknown) => this.#explain(component, error));
    if (first === 'ready') return undefined;
    stop.abort();
    await ready.catch(() => undefined);
    return running;
  }

  async #explain(component: Component, error: unknown): Promise<never> {
    if (error instanceof ClusterError && error.code === 'Cancelled') throw error;
    throw new ClusterError(
      'Component',
      `${component.name}: ${errorMessage(error)}${await this.#evidence(component.name)}`,
    );
  }

  async #sawTakenPort(name: ComponentName): Promise<boolean> {
    const lines = await lastLines(this.#options.layout.log(name), TAIL_LINES);
    return lines.some((line) => /address already in use|EADDRINUSE/i.test(line));
  }

  /** Returns the path of the log and its last lines. */
  async #evidence(name: ComponentName): Promise<string> {
    const path = this.#options.layout.log(name);
    const lines = await lastLines(path, TAIL_LINES);
    return `; its log is ${path}${lines.map((line) => `\n  ${line}`).join('')}`;
  }

  /** Returns the error for a component that exited during the start. */
  async died(name: ComponentName, running: Running): Promise<ClusterError> {
    const exit = running.child.exit();
    const how = exit === undefined ? 'ended' : `ended with ${describeExit(exit)}`;
    return new ClusterError('Component', `${name} ${how}${await this.#evidence(name)}`);
  }
}
