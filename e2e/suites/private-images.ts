import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LABEL_SKIP } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { withDiagnosis } from '../support/diagnose.ts';
import { namespace, podTemplate, policy, workload } from '../support/manifests.ts';
import { listPods } from '../support/pods.ts';
import type { PlacedPod } from '../support/pods.ts';
import { PrivateRegistry } from '../support/private-registry.ts';

const TIMEOUT_MS = 90_000;
const REPLICAS = 2;
const ARM64_NODES = ['arm64-1', 'arm64-2'];
/** A policy with a short grace period, so that tests do not wait long for the end of the grace period. */
const FAST_POLICY = { priority: 10, remediation: { gracePeriodAfterScheduling: '1s', maxEvictionsPerMinute: 6000 } };
const WITH_SECRET: JsonObject = { imagePullSecrets: [{ name: 'pull' }] };
const DECISIONS = 'jsonpath={.items[*].metadata.annotations.archpolicy\\.dev/decision}';

/** The cluster, with the operations that these tests need. */
class Tenants {
  readonly #cluster: () => TestCluster;

  constructor(cluster: () => TestCluster) {
    this.#cluster = cluster;
  }

  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { status, stdout, stderr } = await this.#cluster().kubectl(args, stdin);
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async apply(...items: readonly JsonObject[]): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  /** Creates a namespace with its secret, and waits for the default account. */
  async create(where: string, secret: JsonObject, skip = false): Promise<void> {
    await this.apply(namespace(where, { skip }), secret);
    const hasAccount = async (): Promise<boolean> =>
      (await this.kubectl(['get', 'serviceaccounts', '-n', where, '-o', 'name'])).includes('default');
    await waitFor(hasAccount, { timeoutMs: 30_000, what: `the default account of ${where}` });
  }

  /** Waits until the workload has all its pods and each of them meets the condition. */
  async waitForPods(where: string, app: string, what: string, holds: (pod: PlacedPod) => boolean): Promise<void> {
    const cluster = this.#cluster();
    const haveAll = async (): Promise<boolean> => {
      const pods = (await listPods(cluster.kubectl, where)).filter((pod) => pod.app === app);
      return pods.length === REPLICAS && pods.every(holds);
    };
    const context = { directory: cluster.directory, logs: ['webhook', 'operator'], pods: [] };
    await withDiagnosis(
      () => context,
      () => waitFor(haveAll, { timeoutMs: 45_000, what: `pods of ${where}/${app} ${what}` }),
    );
  }
}

const runsRight = ({ architecture, ready }: PlacedPod): boolean => architecture === 'arm64' && ready;

/** Returns a Deployment of the private image, whose pods crash on amd64 nodes. */
function deployment({ image }: PrivateRegistry, where: string, app: string, spec: JsonObject = {}): JsonObject {
  return workload('Deployment', where, app, podTemplate(app, image, { spec }), { replicas: REPLICAS });
}

async function testPlacement(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.create('alice', registry.secret('alice'));
  await tenants.apply(deployment(registry, 'alice', 'own', WITH_SECRET));
  await tenants.waitForPods('alice', 'own', 'run on arm64 nodes', runsRight);
  await tenants.kubectl(['patch', 'sa', 'default', '-n', 'alice', '-p', JSON.stringify(WITH_SECRET)]);
  await tenants.apply(deployment(registry, 'alice', 'of-account'));
  await tenants.waitForPods('alice', 'of-account', 'run on arm64 nodes', runsRight);
}

async function testIsolation(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.create('bob', registry.secret('bob', 'guessed'));
  await tenants.apply(deployment(registry, 'bob', 'other', WITH_SECRET));
  await tenants.waitForPods('bob', 'other', 'are bound', ({ node }) => node !== '');
  const all = (path: string): Promise<string> => tenants.kubectl(['get', 'pods', '-n', 'bob', '-o', path]);
  expect(await all('jsonpath={.items[*].spec.affinity}')).toBe('');
  expect(await all(DECISIONS)).not.toContain('arm64');
}

async function testRemediation(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.kubectl(['cordon', ...ARM64_NODES]);
  await tenants.apply(policy('carol', ['carol'], FAST_POLICY));
  await tenants.create('carol', registry.secret('carol'), true);
  await tenants.apply(deployment(registry, 'carol', 'late', WITH_SECRET));
  await tenants.waitForPods('carol', 'late', 'are on amd64 nodes', ({ architecture }) => architecture === 'amd64');
  await tenants.kubectl(['uncordon', ...ARM64_NODES]);
  await tenants.kubectl(['label', 'namespace', 'carol', `${LABEL_SKIP}-`]);
  await tenants.waitForPods('carol', 'late', 'are replaced on arm64 nodes', runsRight);
}

/** Tests with an image that requires a pull secret. */
export function privateImageTests(cluster: () => TestCluster): void {
  const tenants = new Tenants(cluster);
  let registry: PrivateRegistry;

  beforeAll(async () => {
    registry = await PrivateRegistry.start();
  }, TIMEOUT_MS);
  afterAll(() => registry.stop());

  test(
    'I5 the webhook places pods of a private image with their own pull secret or that of their ServiceAccount',
    () => testPlacement(tenants, registry),
    TIMEOUT_MS,
  );
  test(
    'P4 pods of the same image in another tenant are placed as if the image had never been inspected',
    () => testIsolation(tenants, registry),
    TIMEOUT_MS,
  );
  test(
    'I5 the operator finds misplaced pods of a private image with their pull secret and corrects them',
    () => testRemediation(tenants, registry),
    TIMEOUT_MS,
  );
}
