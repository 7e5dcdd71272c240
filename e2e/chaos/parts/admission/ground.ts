import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { waitFor, startProgram } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { FakeDnsServer, freePort } from '@archpolicy/testkit';
import type { LiveCluster } from '../../../support/live-cluster.ts';
import type { ScenarioContext } from '../../framework/scenario.ts';
import type { ChaosCluster } from '../../cluster/chaos-cluster.ts';
import type { CleanUp } from './clean-up.ts';
import { enterWithResolvConf, reasonWithoutResolvConf } from './resolv-conf.ts';
import { PodCreator } from './pod-creator.ts';
import { ReviewClient } from './review-client.ts';
import { Service } from './service.ts';
import type { Endpoint } from './service.ts';
import { LOCAL_REGISTRIES, WebhookReplica } from './webhook-replica.ts';
import type { ReplicaOptions } from './webhook-replica.ts';

/** A replica, and a client of it. */
export interface ReachableReplica {
  readonly replica: WebhookReplica;
  readonly client: ReviewClient;
}

/** The name server of a scenario. */
export interface Names {
  readonly server: FakeDnsServer;
  /** The path of a resolv.conf that names the server. */
  readonly resolvConf: string;
}

/** A resolv.conf has no port, so the server listens on port 53 of an address that nothing else uses. */
const NAME_SERVER = '127.0.0.153';
const DNS_PORT = 53;
const TIMEOUT_MS = 60_000;
const CONFIGURATION = ['mutatingwebhookconfiguration', 'archpolicy'];
let started = 0;

/** What scenarios of the webhook start beside the shared cluster: webhooks, an operator, a Service, and a name server. */
export class AdmissionGround {
  readonly chaos: ChaosCluster;
  /** The registries file of the webhooks and the operator of the scenario. */
  readonly registriesFile: string;
  readonly #cleanUp: CleanUp;
  readonly #folder: string;

  private constructor(chaos: ChaosCluster, cleanUp: CleanUp, id: string) {
    this.chaos = chaos;
    this.#cleanUp = cleanUp;
    this.#folder = join(chaos.cluster.directory, 'run');
    this.registriesFile = join(this.#folder, `${id}-registries.yaml`);
  }

  /**
   * Creates a namespace with a policy that prefers amd64.
   * @param id the name of the namespace
   * @param spec further fields of the policy
   */
  static async open(
    { cluster, cleanUp }: ScenarioContext,
    id: string,
    spec: JsonObject = {},
  ): Promise<AdmissionGround> {
    const ground = new AdmissionGround(await cluster(), cleanUp, id);
    await writeFile(ground.registriesFile, await readFile(LOCAL_REGISTRIES));
    await ground.namespace(id, spec);
    return ground;
  }

  get cluster(): TestCluster {
    return this.chaos.cluster;
  }

  get live(): LiveCluster {
    return this.chaos.live;
  }

  /** Creates a further namespace with a policy that prefers amd64. */
  async namespace(name: string, spec: JsonObject = {}): Promise<void> {
    await this.chaos.createNamespace(name, { preference: { architectures: ['amd64'] }, ...spec });
  }

  /** Starts a webhook, with a client that stands for an API server. Both end with the scenario. */
  async webhook(options: Partial<ReplicaOptions> = {}, cleanUp: CleanUp = this.#cleanUp): Promise<ReachableReplica> {
    const replica = await this.launch(options, cleanUp);
    await replica.untilReady();
    const client = await ReviewClient.open(this.cluster, replica.port);
    cleanUp(() => client.close());
    return { replica, client };
  }

  /** Starts a webhook without waiting for it. */
  async launch(options: Partial<ReplicaOptions> = {}, cleanUp: CleanUp = this.#cleanUp): Promise<WebhookReplica> {
    started += 1;
    const common = { name: `chaos-webhook-${started}`, registriesFile: this.registriesFile };
    const replica = await WebhookReplica.launch(this.cluster, { ...common, ...options });
    cleanUp(() => replica.stop());
    return replica;
  }

  /** Starts several webhooks at the same time. */
  webhooks(
    count: number,
    options: Partial<ReplicaOptions> = {},
    cleanUp: CleanUp = this.#cleanUp,
  ): Promise<readonly ReachableReplica[]> {
    return Promise.all(Array.from({ length: count }, () => this.webhook(options, cleanUp)));
  }

  /** Starts an operator that leads, so that webhooks may gate pods. It ends with the scenario. */
  async operator(names?: Names): Promise<void> {
    await this.chaos.deleteLease();
    started += 1;
    const metrics = `127.0.0.1:${await freePort()}`;
    const operator = await startProgram({
      directory: this.cluster.directory,
      program: 'operator',
      name: `chaos-operator-${started}`,
      env: {
        ARCHPOLICY_KUBECONFIG: join(this.#folder, 'archpolicy-operator.kubeconfig'),
        ARCHPOLICY_CERTIFICATES: 'external',
        ARCHPOLICY_METRICS_ADDRESS: metrics,
        ARCHPOLICY_REGISTRIES_FILE: this.registriesFile,
      },
      ...(names === undefined ? {} : { wrapper: enterWithResolvConf(names.resolvConf) }),
    });
    this.#cleanUp(async () => {
      operator.kill('SIGKILL');
      await operator.exited;
    });
    const leads = async (): Promise<boolean> =>
      (await (await fetch(`http://${metrics}/metrics`)).text()).includes('\narchpolicy_leader 1');
    await waitFor(leads, { timeoutMs: TIMEOUT_MS, what: 'the operator to lead' });
  }

  /** Makes the API server call these replicas through a Service, until the scenario ends. */
  async serve(replicas: readonly Endpoint[]): Promise<Service> {
    const service = await Service.start();
    this.#cleanUp(() => service.stop());
    service.route(replicas);
    await this.#point(`https://127.0.0.1:${service.port}/mutate`);
    this.#cleanUp(() => this.#point(this.cluster.get('WEBHOOK_URL')));
    await waitFor(() => replicas.every((replica) => service.routesTo(replica)), {
      timeoutMs: TIMEOUT_MS,
      what: 'the Service to route to the replicas',
    });
    return service;
  }

  /** Creates pods through the API server. At the end of the scenario the pods of these namespaces are deleted. */
  async creator(namespaces: readonly string[], connections = 64): Promise<PodCreator> {
    const creator = await PodCreator.open(this.cluster, connections);
    this.#cleanUp(async () => {
      for (const namespace of namespaces) await creator.deleteAll(namespace);
      await creator.close();
    });
    return creator;
  }

  /** Starts a name server for webhooks and operator. Returns the reason if there can be none. */
  async names(zone: ConstructorParameters<typeof FakeDnsServer>[0]): Promise<Names | string> {
    const reason = reasonWithoutResolvConf();
    if (reason !== undefined) return reason;
    const server = await new FakeDnsServer(zone).start(NAME_SERVER, DNS_PORT);
    this.#cleanUp(() => server.stop());
    const resolvConf = join(this.#folder, 'chaos-resolv.conf');
    await writeFile(resolvConf, `nameserver ${NAME_SERVER}\noptions timeout:2 attempts:1\n`);
    return { server, resolvConf };
  }

  /** Appends an entry to the registries file. Processes that run reload it. */
  async addRegistry(entry: object): Promise<void> {
    const text = await readFile(this.registriesFile, 'utf8');
    await writeFile(this.registriesFile, `${text}  - ${JSON.stringify(entry)}\n`);
  }

  async #point(url: string): Promise<void> {
    const change = [{ op: 'replace', path: '/webhooks/0/clientConfig/url', value: url }];
    await this.cluster.kubectlOutput(['patch', ...CONFIGURATION, '--type=json', '-p', JSON.stringify(change)]);
  }
}
