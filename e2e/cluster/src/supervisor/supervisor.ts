import { ApiClient } from '../api-client.ts';
import type { ClusterPki } from '../certificates/cluster-pki.ts';
import { createPki } from '../certificates/cluster-pki.ts';
import { runInOrder, unitsOf } from '../components/catalogue.ts';
import type { Target } from '../components/catalogue.ts';
import { componentNames } from '../components/component.ts';
import type { Cluster, Component, ComponentName, Unit } from '../components/component.ts';
import { ClusterError } from '../errors.ts';
import { writeEnv } from '../env-file.ts';
import type { Layout } from '../layout.ts';
import { describeExit } from '../process/child.ts';
import { Ports } from '../process/ports.ts';
import { envOf } from './cluster-env.ts';
import type { ClusterStatus, ComponentStatus, StartEvent, StartRequest } from './protocol.ts';
import { Runner } from './runner.ts';
import type { Running } from './runner.ts';
import { endAll } from './end.ts';

export interface SupervisorOptions {
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: readonly string[];
  log(message: string): void;
}

/**
 * The parent of all components of one cluster. It starts what is asked for, knows what runs, and ends everything when
 * it ends. It never restarts anything by itself: a component that dies stays dead, for tests to see.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ports = new Ports();
  readonly #runner: Runner;
  readonly #running = new Map<ComponentName, Running>();
  #pki: Promise<ClusterPki> | undefined;
  #api: ApiClient | undefined;
  #target: Target | null = null;
  #starting = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#runner = new Runner({ ...options, ports: this.#ports });
  }

  /**
   * Starts what the target has and does not run yet, and writes `CLUSTER_DIR/env`.
   * When it fails or is cancelled, what this call started is ended again.
   */
  async start(request: StartRequest, signal: AbortSignal, report: (event: StartEvent) => void): Promise<void> {
    if (this.#starting) throw new ClusterError('supervisor', 'another `make up` of this cluster is under way');
    this.#starting = true;
    const mine = new Map<ComponentName, Running>();
    try {
      await this.#startUnits(request, signal, report, mine);
      this.#target = widest(this.#target, request.target);
      await writeEnv(
        this.#options.layout.env,
        envOf(this.#options.layout, request.kubectl, this.#ports, this.#running),
      );
    } catch (error) {
      await endAll(mine);
      throw error;
    } finally {
      this.#starting = false;
    }
  }

  async #startUnits(
    request: StartRequest,
    signal: AbortSignal,
    report: (event: StartEvent) => void,
    mine: Map<ComponentName, Running>,
  ): Promise<void> {
    const cluster = await this.#cluster(request);
    const failure = new AbortController();
    const either = AbortSignal.any([signal, failure.signal]);
    let first: unknown;
    const fail = (error: unknown): never => {
      first ??= error;
      failure.abort();
      throw error;
    };
    const run = async (unit: Unit): Promise<void> => {
      if (either.aborted) throw new ClusterError('cancelled', 'cancelled');
      const begin = performance.now();
      const wasRunning = unit.kind === 'component' && this.#isRunning(unit.name);
      if (unit.kind === 'task') await unit.run(cluster, either).catch(fail);
      else if (!wasRunning) await this.#startComponent(unit, cluster, either, mine, fail);
      report({ kind: 'done', name: unit.name, seconds: (performance.now() - begin) / 1000, wasRunning });
    };
    await runInOrder(unitsOf(request.target), run).catch((error: unknown) => {
      throw first ?? error;
    });
    // The one that died between its being ready and the end of the start.
    if (first !== undefined) throw first;
  }

  async #startComponent(
    component: Component,
    cluster: Cluster,
    signal: AbortSignal,
    mine: Map<ComponentName, Running>,
    fail: (error: unknown) => never,
  ): Promise<void> {
    const isRestart = this.#running.has(component.name);
    const onStart = (running: Running): void => {
      this.#options.log(`started ${component.name}, pid ${running.child.pid ?? 'none'}`);
      this.#running.set(component.name, running);
      mine.set(component.name, running);
      void running.child.exited.then((exit) => {
        this.#options.log(`${component.name} ended: ${describeExit(exit)}`);
      });
    };
    await this.#runner.start(component, cluster, { signal, isRestart, onStart }).catch(fail);
    const running = mine.get(component.name);
    // While the start goes on, somebody waits for what this component does: its end must end the waiting.
    void running?.child.exited
      .then(async () =>
        signal.aborted || !this.#starting ? undefined : fail(await this.#runner.died(component.name, running)),
      )
      .catch(() => undefined);
  }

  #isRunning(name: ComponentName): boolean {
    const running = this.#running.get(name);
    return running !== undefined && running.child.exit() === undefined;
  }

  async #cluster(request: StartRequest): Promise<Cluster> {
    const { layout } = this.#options;
    this.#pki ??= createPki(layout);
    const pki = await this.#pki;
    const apiServer = (): string => `https://127.0.0.1:${this.#ports.of('kube-apiserver', 'https')}`;
    return {
      layout,
      pki,
      kubernetesVersion: request.kubernetesVersion,
      tool: (name) => {
        const path = request.tools[name];
        if (path === undefined) throw new ClusterError('toolchain', `the path of ${name} was not given`);
        return path;
      },
      port: (component, label) => this.#ports.of(component, label),
      apiServer,
      api: () => (this.#api ??= new ApiClient(apiServer(), pki.authority, pki.users.admin)),
    };
  }

  status(): ClusterStatus {
    const components = componentNames.flatMap((name): ComponentStatus[] => {
      const running = this.#running.get(name);
      if (running === undefined) return [];
      const exit = running.child.exit();
      return [
        {
          name,
          ports: [...running.ports],
          since: running.since.toISOString(),
          ...(running.child.pid === undefined ? {} : { pid: running.child.pid }),
          ...(exit === undefined ? {} : { exit: describeExit(exit) }),
        },
      ];
    });
    return { target: this.#target, components };
  }

  /** Ends every component and returns when all are gone. */
  async stop(): Promise<void> {
    await endAll(this.#running);
    await this.#api?.close();
  }
}

/** A later `up --only control-plane` takes nothing away from a whole cluster. */
function widest(one: Target | null, other: Target): Target {
  const order: readonly (Target | null)[] = [null, 'api-server', 'control-plane', 'all'];
  return one !== null && order.indexOf(one) > order.indexOf(other) ? one : other;
}
