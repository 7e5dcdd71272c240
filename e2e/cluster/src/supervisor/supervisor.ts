import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../api-client.ts';
import type { ClusterPki } from '../certificates/cluster-pki.ts';
import { createPki } from '../certificates/cluster-pki.ts';
import type { Target } from '../components/catalogue.ts';
import { componentNames } from '../component/component.ts';
import type { Cluster, ComponentName, Unit } from '../component/component.ts';
import { ClusterError } from '../errors.ts';
import { writeEnv } from '../env-file.ts';
import type { Layout } from '../layout.ts';
import { describeExit } from '../process/child.ts';
import { Ports } from '../process/ports.ts';
import type { FixedPorts } from '../process/ports.ts';
import { buildEnv } from './cluster-env.ts';
import type { ClusterStatus, ComponentStatus, StartEvent, StartRequest } from './protocol.ts';
import { Runner } from './runner.ts';
import type { Running } from './runner.ts';
import { StartAttempt } from './start-attempt.ts';
import { stopAll } from './stop-all.ts';

/**
 * How long to wait for the exit of processes that were just killed, so that `kill -9 PID; make up` starts the process
 * again. The kernel needs at most this time to end a process of some hundred megabytes and to notify its parent.
 */
const SETTLE_MILLISECONDS = 300;

/** Returns the units of a target. */
export type ListUnits = (target: Target) => readonly Unit[];

export interface SupervisorOptions {
  readonly layout: Layout;
  readonly listUnits: ListUnits;
  readonly fixedPorts: FixedPorts;
  /** The registry's host name for pods, if they reach it. */
  readonly registryName?: string | undefined;
  /** Whether process ids are left out of the status, because they belong to a pid namespace. */
  readonly hasOwnPids: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: readonly string[];
  readonly log: (message: string) => void;
}

/**
 * The parent of all components of one cluster. It starts the requested components, reports their status, and stops all
 * of them when it ends. It never restarts a component, because tests observe that a component has died.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ports: Ports;
  readonly #runner: Runner;
  readonly #running = new Map<ComponentName, Running>();
  #pki: Promise<ClusterPki> | undefined;
  #api: ApiClient | undefined;
  #target: Target | null = null;
  #starting = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#ports = new Ports(options.fixedPorts);
    this.#runner = new Runner({ ...options, ports: this.#ports });
  }

  /**
   * Starts the components of the target that do not run, and writes `CLUSTER_DIR/env`. If the start fails or is
   * cancelled, stops the components that this start has started.
   */
  async start(request: StartRequest, signal: AbortSignal, report: (event: StartEvent) => void): Promise<void> {
    if (this.#starting) throw new ClusterError('Supervisor', 'another `make up` of this cluster is running');
    this.#starting = true;
    const before = new Set(this.#running.keys());
    if (before.size > 0) await sleep(SETTLE_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    const attempt = new StartAttempt({
      cluster: await this.#cluster(request),
      runner: this.#runner,
      signal,
      isRunning: (name) => this.#isRunning(name),
      wasStartedBefore: (name) => before.has(name),
      onStart: (name, running) => {
        this.#record(name, running);
      },
      report,
    });
    try {
      await attempt.run(this.#options.listUnits(request.target));
      this.#target = widest(this.#target, request.target);
      await writeEnv(
        this.#options.layout.env,
        buildEnv({ ...this.#options, kubectl: request.kubectl, ports: this.#ports }, this.#running),
      );
    } catch (error) {
      await stopAll(attempt.started);
      throw error;
    } finally {
      this.#starting = false;
    }
  }

  #record(name: ComponentName, running: Running): void {
    this.#options.log(`started ${name}, pid ${running.child.pid ?? 'none'}`);
    this.#running.set(name, running);
    void running.child.exited.then((exit) => {
      this.#options.log(`${name} ended: ${describeExit(exit)}`);
    });
  }

  #isRunning(name: ComponentName): boolean {
    const running = this.#running.get(name);
    return running !== undefined && running.child.exit() === undefined;
  }

  async #cluster(request: StartRequest): Promise<Cluster> {
    const { layout } = this.#options;
    this.#pki ??= createPki(layout);
    const pki = await this.#pki;
    const apiServer = (): string => `https://127.0.0.1:${this.#ports.get('kube-apiserver', 'https')}`;
    return {
      layout,
      pki,
      kubernetesVersion: request.kubernetesVersion,
      programs: request.programs,
      policy: request.policy,
      apiServerFlags: request.apiServerFlags,
      environment: request.environment,
      tool: (name) => {
        const path = request.tools[name];
        if (path === undefined) throw new ClusterError('Toolchain', `the path of ${name} was not given`);
        return path;
      },
      port: (component, label) => this.#ports.get(component, label),
      apiServer,
      api: () => (this.#api ??= new ApiClient(apiServer(), pki.authority, pki.users.admin)),
    };
  }

  status(): ClusterStatus {
    const { hasOwnPids } = this.#options;
    const components = componentNames.flatMap((name): ComponentStatus[] => {
      const running = this.#running.get(name);
      if (running === undefined) return [];
      const exit = running.child.exit();
      return [
        {
          name,
          ports: [...running.ports],
          since: running.since.toISOString(),
          ...(running.child.pid === undefined || hasOwnPids ? {} : { pid: running.child.pid }),
          ...(exit === undefined ? {} : { exit: describeExit(exit) }),
        },
      ];
    });
    return { target: this.#target, components };
  }

  /** Stops all components and waits for their exit. */
  async stop(): Promise<void> {
    await stopAll(this.#running);
    await this.#api?.close();
  }
}

/**
 * Returns the larger target, because a later `up --only control-plane` must not reduce the target of a whole cluster.
 */
function widest(one: Target | null, other: Target): Target {
  const order: readonly (Target | null)[] = [null, 'api-server', 'control-plane', 'all'];
  return one !== null && order.indexOf(one) > order.indexOf(other) ? one : other;
}
