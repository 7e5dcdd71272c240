import { LABEL_SKIP } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import {
  IDLE_OPERATOR,
  pushImage,
  readAuditLog,
  START_TIMEOUT_MILLISECONDS,
  startCluster,
  waitFor,
} from '@archpolicy/e2e';
import type { AuditEvent, TestCluster } from '@archpolicy/e2e';
import { LEASES, NAMESPACES, NODES } from '@archpolicy/kube';
import { withDiagnosis } from '../../support/diagnose.ts';
import { LiveCluster } from '../../support/live-cluster.ts';
import { namespace, policy } from '../../support/manifests.ts';
import type { Image } from '../../support/manifests.ts';
import { OperatorProcess } from '../../support/operator-process.ts';
import type { OperatorProcessOptions } from '../../support/operator-process.ts';
import type { SeenPod } from '../../support/pods.ts';

const SYSTEM = 'archpolicy-system';
const LEASE = 'archpolicy-operator';
const ARM64_NODES = ['arm64-1', 'arm64-2'];
const TIMEOUT_MS = 60_000;
/** Precedes the policy of the local cluster, which also selects every namespace. */
const PRIORITY = 10;
/** Settings with which scenarios do not wait for the grace period or the eviction rate. */
const FAST_REMEDIATION: JsonObject = { gracePeriodAfterScheduling: '1s', maxEvictionsPerMinute: 6000 };

export interface Images {
  readonly arm64: Image;
  readonly amd64: Image;
  /** Runs on both architectures. */
  readonly both: Image;
}

/**
 * The cluster of the scenarios: a real control plane, registry and Redis, the webhook, and no operator. Each scenario
 * starts its own operators and uses namespaces whose names begin with its id.
 */
export class ChaosCluster {
  readonly #cluster: TestCluster;
  readonly live: LiveCluster;
  readonly images: Images;
  #names = 0;
  readonly #namespaces = new Set<string>();

  private constructor(cluster: TestCluster, live: LiveCluster, images: Images) {
    this.#cluster = cluster;
    this.live = live;
    this.images = images;
  }

  static async start(log: (line: string) => void): Promise<ChaosCluster> {
    const cluster = await startCluster({
      programs: { operator: IDLE_OPERATOR },
      signal: AbortSignal.timeout(START_TIMEOUT_MILLISECONDS),
      log,
    });
    const push = async (repository: string, ...platforms: readonly string[]): Promise<Image> => {
      const { reference } = await pushImage(cluster.get('REGISTRY'), repository, 'v1', platforms);
      return { reference, platforms };
    };
    const [arm64, amd64, both] = await Promise.all([
      push('linux/arm64', 'linux/arm64'),
      push('linux/amd64', 'linux/amd64'),
      push('both', 'linux/amd64', 'linux/arm64'),
    ]);
    return new ChaosCluster(cluster, LiveCluster.open(cluster.get('KUBECONFIG')), { arm64, amd64, both });
  }

  async stop(): Promise<void> {
    await this.live.close();
    await this.#cluster.stop();
  }

  /** The processes and files of the cluster. */
  get cluster(): TestCluster {
    return this.#cluster;
  }

  /**
   * Creates a namespace with its own policy, and waits until pods can be created in it.
   * @param spec fields of the policy
   * @param skip whether the webhook leaves its pods alone until `enable` is called
   */
  async createNamespace(name: string, spec: JsonObject = {}, { skip = false } = {}): Promise<void> {
    this.#namespaces.add(name);
    const { remediation = {}, ...others } = spec;
    const merged = { ...FAST_REMEDIATION, ...(remediation as JsonObject) };
    await this.apply([
      namespace(name, { skip }),
      policy(name, [name], { priority: PRIORITY, ...others, remediation: merged }),
    ]);
    await this.waitFor(
      `the default account of ${name}`,
      async () => (await this.#cluster.kubectl(['get', 'serviceaccount', 'default', '-n', name])).status === 0,
    );
  }

  /** Deletes the namespaces of a scenario, whose pods would be found by the operators of the next one. */
  async deleteNamespaces(): Promise<void> {
    const names = [...this.#namespaces];
    this.#namespaces.clear();
    if (names.length > 0)
      await this.#cluster.kubectl(['delete', 'namespace', ...names, '--wait=false', '--ignore-not-found']);
  }

  /** Removes the skip label of a namespace, so that its pods are governed. */
  async enable(name: string): Promise<void> {
    await this.live.patch(NAMESPACES, undefined, name, { metadata: { labels: { [LABEL_SKIP]: null } } });
  }

  async apply(items: readonly JsonObject[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await this.#cluster.kubectlOutput(['apply', '-f', '-'], list);
  }

  /**
   * Applies workloads of a namespace that skips the webhook while only the amd64 nodes take pods, and waits until each
   * pod runs or fails on one of them.
   */
  async applyOnAmd64(where: string, items: readonly JsonObject[], pods: number): Promise<readonly SeenPod[]> {
    await this.#cordonArm64(true);
    await this.apply(items);
    const settled = await this.waitFor(`${pods} pods to run or fail in ${where}`, () => {
      const all = this.live.pods(where);
      return all.length >= pods && all.every(({ node, ready, failing }) => node !== '' && (ready || failing)) && all;
    });
    await this.#cordonArm64(false);
    return settled;
  }

  /** Starts an operator with a unique log. The caller stops it. */
  startOperator(name: string, options: OperatorProcessOptions = {}): Promise<OperatorProcess> {
    this.#names += 1;
    return OperatorProcess.start(this.#cluster, `${name}-${this.#names}`, options);
  }

  /** Deletes the Lease of a dead leader, which would be valid for 15 s. */
  async deleteLease(): Promise<void> {
    await this.live.remove(LEASES, SYSTEM, LEASE);
  }

  /** Waits until the condition returns a value. It is called often, so it should read from the watches. */
  waitFor<T>(what: string, condition: () => T | Promise<T>, timeoutMs = TIMEOUT_MS): ReturnType<typeof waitFor<T>> {
    const context = (): Parameters<typeof withDiagnosis>[0] extends () => infer C ? C : never => ({
      directory: this.#cluster.directory,
      logs: ['webhook'],
      pods: this.live.allPods(),
    });
    return withDiagnosis(context, () => waitFor(condition, { what, timeoutMs }));
  }

  readAudit(): Promise<readonly AuditEvent[]> {
    return readAuditLog(this.#cluster.get('AUDIT_LOG'));
  }

  async #cordonArm64(unschedulable: boolean): Promise<void> {
    await Promise.all(ARM64_NODES.map((name) => this.live.patch(NODES, undefined, name, { spec: { unschedulable } })));
  }
}
