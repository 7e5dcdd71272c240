import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LABEL_SKIP, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { LEASES, NAMESPACES, NODES } from '@archpolicy/kube';
import { pushImage, readAuditLog, startCluster, waitFor } from '@archpolicy/e2e';
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
import { ADVERSARY, hasSettled, podsMadeBy } from './cases.ts';
import type { Case, Images } from './cases.ts';

const CRD = join(import.meta.dirname, '../../../crds/archpolicies.yaml');
const ARM64_NODES = ['arm64-1', 'arm64-2'];
const SYSTEM = 'archpolicy-system';
const LEASE = 'archpolicy-operator';
/** Generous: another test's cluster may be starting on the same machine. */
const TIMEOUT_MS = 60_000;
/** A test waits for no grace period, and no other case for this one's share of the rate. */
const SOON: JsonObject = { gracePeriodAfterScheduling: '1s', maxEvictionsPerMinute: 6000 };

/** The operators of this suite are its own. The cluster starts one all the same: this one only says that it is ready. */
const OPERATOR_STAND_IN = `import { createServer } from 'node:http';
const [host, port] = process.env.ARCHPOLICY_METRICS_ADDRESS.split(':');
createServer((request, response) => response.end()).listen(Number(port), host);
`;

/** The one cluster of the suite, and the operators on it. */
export class World {
  readonly #operators: OperatorProcess[] = [];
  readonly #names: string[] = [];
  readonly #webhooks: Child[] = [];
  #cluster: TestCluster | undefined;
  #live: LiveCluster | undefined;
  #outage: FaultProxy | undefined;
  #images: Images | undefined;
  #folder = '';
  #before: readonly SeenPod[] = [];

  get cluster(): TestCluster {
    return defined(this.#cluster);
  }

  get live(): LiveCluster {
    return defined(this.#live);
  }

  get images(): Images {
    return defined(this.#images);
  }

  /** The pods of the cases as they were when ArchPolicy came. */
  get before(): readonly SeenPod[] {
    return this.#before;
  }

  /** A cluster on whose amd64 nodes the pods of the cases run or crash, and then a webhook, but no operator. */
  async start(cases: readonly Case[]): Promise<void> {
    this.#cluster = await startCluster({ only: 'control-plane' });
    this.#live = LiveCluster.open(this.cluster.get('KUBECONFIG'));
    this.live.onPod((pod) => void this.#bindWrong(pod));
    const [images] = await Promise.all([this.#pushImages(), this.#cordon(true)]);
    this.#images = images;
    const namespaces = cases.flatMap((one) =>
      one.namespaces.map((name) => namespace(name, { skip: one.later === true })),
    );
    await this.apply(namespaces, ['-f', CRD]);
    const policies = cases.map((one) => {
      const { remediation = {}, ...spec } = one.spec ?? {};
      const [name = ''] = one.namespaces;
      return policy(name, one.namespaces, { ...spec, remediation: { ...SOON, ...(remediation as JsonObject) } });
    });
    const objects = cases.flatMap((one) => one.objects(images));
    // A namespace has its default account a moment after it was made, a kind its address.
    await waitFor(() => this.apply([...policies, ...objects]), {
      timeoutMs: 60_000,
      intervalMs: 250,
      what: 'the workloads to be taken',
    });
    const pods = (): readonly SeenPod[] =>
      cases.flatMap((one) => one.namespaces).flatMap((name) => this.live.pods(name));
    const expected = objects.reduce((sum, object) => sum + podsMadeBy(object), 0);
    await this.until('every pod to run or fail on a node', () => pods().length >= expected && pods().every(hasSettled));
    this.#before = pods();
    await this.#cordon(false);
    this.#folder = await mkdtemp(join(tmpdir(), 'archpolicy-operators-'));
    const operator = join(this.#folder, 'stand-in.mjs');
    await writeFile(operator, OPERATOR_STAND_IN);
    this.#cluster = await this.cluster.up('all', { operator });
  }

  /** @param more arguments of `kubectl apply` */
  async apply(items: readonly JsonObject[], more: readonly string[] = []): Promise<true> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const { status, stderr } = await this.cluster.kubectl(['apply', ...more, '-f', '-'], list);
    if (status !== 0) throw new Error(stderr);
    return true;
  }

  /** Waits until the condition gives something; it is asked often, so that it should ask nobody but the watches. */
  until<T>(what: string, condition: () => T | Promise<T>, timeoutMs = TIMEOUT_MS): ReturnType<typeof waitFor<T>> {
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
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** One more operator; the one that was started last counts as the leader of the tests that follow. */
  async operator(name: string, options: { readonly ages?: boolean } = {}): Promise<OperatorProcess> {
    const operator = await OperatorProcess.start(this.cluster, name, options);
    this.#operators.push(operator);
    this.#names.push(name);
    return operator;
  }

  /** The leader ends in order, and this one leads. */
  async succeed(name: string, options: { readonly ages?: boolean }): Promise<void> {
    const former = this.leader;
    const next = await this.operator(name, options);
    await this.until('the next leader to be ready', () => next.isReady());
    former.send('SIGTERM');
    await this.until('it to lead', () => next.isLeading());
  }

  get leader(): OperatorProcess {
    return defined(this.#operators.at(-1));
  }

  /** Evictions that the API server accepted, of all operators, as they passed by. */
  accepted(): readonly SeenEviction[] {
    return this.#operators.flatMap(({ proxy }) => proxy.evictions).filter(({ status }) => status === 201);
  }

  audit(): Promise<readonly AuditEvent[]> {
    return readAuditLog(this.cluster.get('AUDIT_LOG'));
  }

  /** SIGKILL to the webhook, and a new one, as a kubelet would. */
  async killWebhook(): Promise<void> {
    await this.endWebhook();
    await this.beginWebhook();
  }

  /** SIGKILL to the webhook. */
  async endWebhook(): Promise<void> {
    const last = this.#webhooks.at(-1);
    const pid = Number(this.cluster.get('WEBHOOK_PID'));
    if (last === undefined) process.kill(pid, 'SIGKILL');
    else last.kill('SIGKILL');
    await (last?.exited ?? this.until('the webhook to be gone', () => !isAlive(pid)));
  }

  /** A new one in the place of the one that has ended. */
  async beginWebhook(): Promise<void> {
    this.#webhooks.push(await startWebhook(this.cluster, `webhook-${this.#webhooks.length}`));
  }

  async endOutage(): Promise<void> {
    await this.#outage?.set({ kind: 'none' });
  }

  /** From now on the operator looks after these namespaces. */
  async open({ namespaces }: Case): Promise<void> {
    const change = { metadata: { labels: { [LABEL_SKIP]: null } } };
    await Promise.all(namespaces.map((name) => this.live.patch(NAMESPACES, undefined, name, change)));
  }

  /** Who holds the operator's Lease. */
  async holder(): Promise<string> {
    return textAt(objectAt(await this.live.get(LEASES, SYSTEM, LEASE), 'spec'), 'holderIdentity') ?? '';
  }

  /** Nobody has to wait for the 15 s of a dead leader's Lease. */
  async forgetLeader(): Promise<void> {
    await this.live.remove(LEASES, SYSTEM, LEASE);
  }

  /** The scheduler of `ADVERSARY`: whatever a pod asks for, it gets an amd64 node. */
  async #bindWrong(pod: SeenPod): Promise<void> {
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

  /** Pods go to amd64 nodes while the others take none. */
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

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the suite has not started');
  return value;
}
