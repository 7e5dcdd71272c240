import { join } from 'node:path';
import { LABEL_SKIP, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { LEASES, NAMESPACES, NODES } from '@archpolicy/kube';
import { IDLE_OPERATOR, pushImage, readAuditLog, startCluster, waitFor } from '@archpolicy/e2e';
import type { AuditEvent, Child, TestCluster } from '@archpolicy/e2e';
import type { SeenEviction } from '../../support/api-proxy.ts';
import { FaultProxy } from '@archpolicy/testkit';
import { withDiagnosis } from '../../support/diagnose.ts';
import type { FailureContext } from '../../support/diagnose.ts';
import { LiveCluster } from '../../support/live-cluster.ts';
import { namespace, policy } from '../../support/manifests.ts';
import type { Image } from '../../support/manifests.ts';
import { OperatorProcess } from '../../support/operator-process.ts';
import type { SeenPod } from '../../support/pods.ts';
import { startWebhook } from '../../support/webhook-process.ts';
import { ADVERSARY, hasSettled, countPods } from './cases.ts';
import type { Case, Images } from './cases.ts';

const CRD = join(import.meta.dirname, '../../../crds/archpolicies.yaml');
const ARM64_NODES = ['arm64-1', 'arm64-2'];
const SYSTEM = 'archpolicy-system';
const LEASE = 'archpolicy-operator';
/** Timeout of a wait. It is long, because the clusters of other tests may be starting on the same machine. */
const TIMEOUT_MS = 60_000;
/**
 * Settings with which tests need not wait for the grace period, and the cases do not compete for a low eviction rate.
 */
const FAST_REMEDIATION: JsonObject = { gracePeriodAfterScheduling: '1s', maxEvictionsPerMinute: 6000 };

/** The cluster of a suite and the operators on it. */
export class OperatorSuite {
  readonly #operators: OperatorProcess[] = [];
  readonly #names: string[] = [];
  readonly #webhooks: Child[] = [];
  #cluster: TestCluster | undefined;
  #live: LiveCluster | undefined;
  #outage: FaultProxy | undefined;
  #images: Images | undefined;
  #before: readonly SeenPod[] = [];

  get cluster(): TestCluster {
    return requireStarted(this.#cluster);
  }

  get live(): LiveCluster {
    return requireStarted(this.#live);
  }

  get images(): Images {
    return requireStarted(this.#images);
  }

  /** The pods of the cases at the time when ArchPolicy was installed. */
  get before(): readonly SeenPod[] {
    return this.#before;
  }

  /**
   * Starts a cluster with the pods of the cases on its amd64 nodes, where they run or crash. Then starts the webhook,
   * but no operator.
   */
  async start(cases: readonly Case[]): Promise<void> {
    this.#cluster = await startCluster({ only: 'control-plane' });
    this.#live = LiveCluster.open(this.cluster.get('KUBECONFIG'));
    this.live.onPod((pod) => void this.#bindToAmd64(pod));
    const [images] = await Promise.all([this.#pushImages(), this.#cordon(true)]);
    this.#images = images;
    const namespaces = cases.flatMap((one) =>
      one.namespaces.map((name) => namespace(name, { skip: one.deferred === true })),
    );
    await this.apply(namespaces, ['-f', CRD]);
    const policies = cases.map((one) => {
      const { remediation = {}, ...spec } = one.spec ?? {};
      const [name = ''] = one.namespaces;
      return policy(name, one.namespaces, {
        ...spec,
        remediation: { ...FAST_REMEDIATION, ...(remediation as JsonObject) },
      });
    });
    const objects = cases.flatMap((one) => one.objects(images));
    // The default account and the new kind are available only a moment after their creation.
    await waitFor(() => this.apply([...policies, ...objects]), {
      timeoutMs: 60_000,
      intervalMs: 250,
      what: 'the workloads to be accepted',
    });
    const pods = (): readonly SeenPod[] =>
      cases.flatMap((one) => one.namespaces).flatMap((name) => this.live.pods(name));
    const expected = objects.reduce((sum, object) => sum + countPods(object), 0);
    await this.waitFor(
      'every pod to run or fail on a node',
      () => pods().length >= expected && pods().every(hasSettled),
    );
    this.#before = pods();
    await this.#cordon(false);
    // This suite starts its own operators.
    this.#cluster = await this.cluster.up('all', { operator: IDLE_OPERATOR });
  }

  /** Applies objects. @param more arguments of `kubectl apply` */
  async apply(items: readonly JsonObject[], more: readonly string[] = []): Promise<true> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const { status, stderr } = await this.cluster.kubectl(['apply', ...more, '-f', '-'], list);
    if (status !== 0) throw new Error(stderr);
    return true;
  }

  /** Waits until the condition returns a value. The condition is called often, so it should read from the watches. */
  waitFor<T>(what: string, condition: () => T | Promise<T>, timeoutMs = TIMEOUT_MS): ReturnType<typeof waitFor<T>> {
    const logs = ['webhook', ...this.#names.slice(-2)];
    const scene = (): FailureContext => ({ directory: this.cluster.directory, logs, pods: this.live.allPods() });
    return withDiagnosis(scene, () => waitFor(condition, { what, timeoutMs }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.stop()));
    for (const webhook of this.#webhooks) webhook.kill('SIGKILL');
    await Promise.all(this.#webhooks.map(({ exited }) => exited));
    await this.#outage?.stop();
    await this.#live?.close();
    await this.#cluster?.stop();
  }

  /** Starts another operator. Later tests assume that the operator that was started last is the leader. */
  async startOperator(name: string, options: { readonly ages?: boolean } = {}): Promise<OperatorProcess> {
    const operator = await OperatorProcess.start(this.cluster, name, options);
    this.#operators.push(operator);
    this.#names.push(name);
    return operator;
  }

  /**
   * Starts an operator, stops the leader in order, and waits until the new one leads. Without `hasRecord`, the new leader
   * cannot read the record of evictions.
   */
  async replaceLeader(
    name: string,
    { hasRecord = true, ...options }: { readonly ages?: boolean; readonly hasRecord?: boolean },
  ): Promise<void> {
    const former = this.leader;
    const next = await this.startOperator(name, options);
    await this.waitFor('the next leader to be ready', () => next.isReady());
    if (!hasRecord) await this.#damageRecord();
    former.send('SIGTERM');
    await this.waitFor('it to lead', () => next.isLeading());
  }

  async #damageRecord(): Promise<void> {
    const patch = ['--type=merge', '--patch={"data":{"record.json":"{}"}}'];
    const { status, stderr } = await this.cluster.kubectl([
      ...['patch', 'configmap', 'archpolicy-safety', '--namespace=archpolicy-system'],
      ...patch,
    ]);
    if (status !== 0) throw new Error(`kubectl patch: ${stderr}`);
  }

  get leader(): OperatorProcess {
    return requireStarted(this.#operators.at(-1));
  }

  /** Returns the evictions of all operators that the API server accepted, as seen by their proxies. */
  listAccepted(): readonly SeenEviction[] {
    return this.#operators.flatMap(({ proxy }) => proxy.evictions).filter(({ status }) => status === 201);
  }

  readAudit(): Promise<readonly AuditEvent[]> {
    return readAuditLog(this.cluster.get('AUDIT_LOG'));
  }

  /** Kills the webhook and starts a new one, as a kubelet would. */
  async restartWebhook(): Promise<void> {
    await this.killWebhook();
    await this.startWebhook();
  }

  /** Kills the webhook and waits for its exit. */
  async killWebhook(): Promise<void> {
    const last = this.#webhooks.at(-1);
    const pid = Number(this.cluster.get('WEBHOOK_PID'));
    if (last === undefined) process.kill(pid, 'SIGKILL');
    else last.kill('SIGKILL');
    await (last?.exited ?? this.waitFor('the webhook to be gone', () => !isAlive(pid)));
  }

  /** Starts a new webhook after the previous one has ended. */
  async startWebhook(): Promise<void> {
    this.#webhooks.push(await startWebhook(this.cluster, `webhook-${this.#webhooks.length}`));
  }

  async endRegistryOutage(): Promise<void> {
    await this.#outage?.set({ kind: 'none' });
  }

  /** Removes the skip label from the namespaces of a case. */
  async enable({ namespaces }: Case): Promise<void> {
    const change = { metadata: { labels: { [LABEL_SKIP]: null } } };
    await Promise.all(namespaces.map((name) => this.live.patch(NAMESPACES, undefined, name, change)));
  }

  /** Returns the holder of the operator's Lease. */
  async holder(): Promise<string> {
    return textAt(objectAt(await this.live.get(LEASES, SYSTEM, LEASE), 'spec'), 'holderIdentity') ?? '';
  }

  /** Deletes the Lease of a dead leader, which would be valid for 15 s. */
  async deleteLease(): Promise<void> {
    await this.live.remove(LEASES, SYSTEM, LEASE);
  }

  /** Binds a pod of the scheduler `ADVERSARY` to an amd64 node. */
  async #bindToAmd64(pod: SeenPod): Promise<void> {
    if (pod.schedulerName !== ADVERSARY || pod.node !== '' || pod.deleting) return;
    await this.live.bind(pod, 'amd64-1').catch(() => undefined);
  }

  async #pushImages(): Promise<Images> {
    const push = async (repository: string, ...platforms: readonly string[]): Promise<Image> => {
      const { reference } = await pushImage(this.cluster.get('REGISTRY'), repository, 'v1', platforms);
      return { reference, platforms };
    };
    const [arm64, amd64, both] = await Promise.all([
      push('linux/arm64', 'linux/arm64'),
      push('linux/amd64', 'linux/amd64'),
      push('both', 'linux/amd64', 'linux/arm64'),
    ]);
    const { port } = new URL(`http://${this.cluster.get('REGISTRY')}`);
    this.#outage = await new FaultProxy(Number(port)).start();
    await this.#outage.set({ kind: 'refuse' });
    const reference = arm64.reference.replace(/^[^/]+/u, `127.0.0.1:${this.#outage.port}`);
    return { arm64, amd64, both, unreachable: { ...arm64, reference } };
  }

  /** Cordons the arm64 nodes, so that pods are bound to amd64 nodes. */
  async #cordon(unschedulable: boolean): Promise<void> {
    await Promise.all(ARM64_NODES.map((name) => this.live.patch(NODES, undefined, name, { spec: { unschedulable } })));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function requireStarted<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the suite has not started');
  return value;
}
