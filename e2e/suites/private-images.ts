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
/** A test waits for no grace period. */
const SOON = { priority: 10, remediation: { gracePeriodAfterScheduling: '1s', maxEvictionsPerMinute: 6000 } };
const NAMES_SECRET: JsonObject = { imagePullSecrets: [{ name: 'pull' }] };
const DECISIONS = 'jsonpath={.items[*].metadata.annotations.archpolicy\\.dev/decision}';

/** A cluster as these tests ask it. */
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

  /** A namespace, with its secret and the account that its pods are to have. */
  async create(where: string, secret: JsonObject, skip = false): Promise<void> {
    await this.apply(namespace(where, { skip }), secret);
    const hasAccount = async (): Promise<boolean> =>
      (await this.kubectl(['get', 'serviceaccounts', '-n', where, '-o', 'name'])).includes('default');
    await waitFor(hasAccount, { timeoutMs: 30_000, what: `the default account of ${where}` });
  }

  /** Resolves once the pods of the namespace's workload are as many as they should be, and each passes the test. */
  async untilAll(where: string, app: string, what: string, holds: (pod: PlacedPod) => boolean): Promise<void> {
    const cluster = this.#cluster();
    const areThere = async (): Promise<boolean> => {
      const pods = (await listPods(cluster.kubectl, where)).filter((pod) => pod.app === app);
      return pods.length === REPLICAS && pods.every(holds);
    };
    const scene = { directory: cluster.directory, logs: ['webhook', 'operator'], pods: [] };
    await withDiagnosis(
      () => scene,
      () => waitFor(areThere, { timeoutMs: 45_000, what: `pods of ${where}/${app} ${what}` }),
    );
  }
}

const runsRight = ({ architecture, ready }: PlacedPod): boolean => architecture === 'arm64' && ready;

/** Pods of the private image, which crash on amd64 nodes. */
function deployment({ image }: PrivateRegistry, where: string, app: string, spec: JsonObject = {}): JsonObject {
  return workload('Deployment', where, app, podTemplate(app, image, { spec }), { replicas: REPLICAS });
}

async function placesBySecret(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.create('alice', registry.secret('alice'));
  await tenants.apply(deployment(registry, 'alice', 'own', NAMES_SECRET));
  await tenants.untilAll('alice', 'own', 'run on arm64 nodes', runsRight);
  await tenants.kubectl(['patch', 'sa', 'default', '-n', 'alice', '-p', JSON.stringify(NAMES_SECRET)]);
  await tenants.apply(deployment(registry, 'alice', 'of-account'));
  await tenants.untilAll('alice', 'of-account', 'run on arm64 nodes', runsRight);
}

async function tellsOthersNothing(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.create('bob', registry.secret('bob', 'guessed'));
  await tenants.apply(deployment(registry, 'bob', 'other', NAMES_SECRET));
  await tenants.untilAll('bob', 'other', 'are bound', ({ node }) => node !== '');
  const all = (path: string): Promise<string> => tenants.kubectl(['get', 'pods', '-n', 'bob', '-o', path]);
  expect(await all('jsonpath={.items[*].spec.affinity}')).toBe('');
  expect(await all(DECISIONS)).not.toContain('arm64');
}

async function findsMisplaced(tenants: Tenants, registry: PrivateRegistry): Promise<void> {
  await tenants.kubectl(['cordon', ...ARM64_NODES]);
  await tenants.apply(policy('carol', ['carol'], SOON));
  await tenants.create('carol', registry.secret('carol'), true);
  await tenants.apply(deployment(registry, 'carol', 'late', NAMES_SECRET));
  await tenants.untilAll('carol', 'late', 'are on amd64 nodes', ({ architecture }) => architecture === 'amd64');
  await tenants.kubectl(['uncordon', ...ARM64_NODES]);
  await tenants.kubectl(['label', 'namespace', 'carol', `${LABEL_SKIP}-`]);
  await tenants.untilAll('carol', 'late', 'are replaced on arm64 nodes', runsRight);
}

/** Images that a registry shows with the right pull secret only. */
export function privateImageTests(cluster: () => TestCluster): void {
  const tenants = new Tenants(cluster);
  let registry: PrivateRegistry;

  beforeAll(async () => {
    registry = await PrivateRegistry.start();
  }, TIMEOUT_MS);
  afterAll(() => registry.stop());

  test(
    'I5 the webhook places pods by what their pull secret shows, their own or that of their ServiceAccount',
    () => placesBySecret(tenants, registry),
    TIMEOUT_MS,
  );
  test(
    'P4 another tenant’s pods of the same image are placed as if nothing were known of it',
    () => tellsOthersNothing(tenants, registry),
    TIMEOUT_MS,
  );
  test(
    'I5 the operator finds misplaced pods of a private image by their own pull secret, and puts them right',
    () => findsMisplaced(tenants, registry),
    TIMEOUT_MS,
  );
}
