import { ChaosCluster } from './chaos-cluster.ts';

/** The cluster that scenarios share: started when it is first needed, and again after a scenario that damaged it. */
export class SharedCluster {
  readonly #progress: (line: string) => void;
  #cluster: Promise<ChaosCluster> | undefined;

  constructor(progress: (line: string) => void) {
    this.#progress = progress;
  }

  get(): Promise<ChaosCluster> {
    this.#cluster ??= this.#start();
    return this.#cluster;
  }

  /** Deletes what a scenario has created, if the cluster runs. */
  async clear(): Promise<void> {
    await (await this.#cluster?.catch(() => undefined))?.deleteNamespaces();
  }

  /** Stops the cluster, if it runs. */
  async stop(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await (await cluster?.catch(() => undefined))?.stop();
  }

  #start(): Promise<ChaosCluster> {
    this.#progress('starting the local cluster');
    return ChaosCluster.start(this.#progress);
  }
}
