import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { REAL_NODE_NAME } from '../cluster/src/certificates/cluster-pki.ts';
import { clusterLayout, repositoryRoot } from '../cluster/src/layout.ts';
import { LiveCluster } from '../support/live-cluster.ts';
import { namespace } from '../support/manifests.ts';
import type { SeenPod } from '../support/pods.ts';
import { SIMULATED_NODE_NAME } from './src/components/catalogue.ts';
import { deploy } from './src/deploy/deploy.ts';
import { findManifests } from './src/deploy/find-manifests.ts';
import { startRealCluster } from './src/index.ts';
import { run } from './src/programs/commands.ts';
import { buildImage } from './support/build-image.ts';
import { deployment } from './support/deployments.ts';
import { describeReal } from './support/describe-real.ts';
import { ImagePusher } from './support/images.ts';

const SYSTEM = 'archpolicy-system';
const TIMEOUT_MS = 120_000;
/** Manifests of deploy/ that are installed. */
const MANIFESTS = 'overlays/small';
const DEPLOY_TIMEOUT_MS = 4 * 60_000;
const WORKLOADS = ['deployment/archpolicy-webhook', 'deployment/archpolicy-operator'];

jest.setTimeout(5 * 60_000);

describeReal('an installation on a real node', () => {
  let cluster: TestCluster;
  let live: LiveCluster;
  let images: ImagePusher;
  let folder: string;
  let image: string;

  beforeAll(async () => {
    cluster = await startRealCluster({ only: 'control-plane' });
    live = LiveCluster.open(cluster.get('KUBECONFIG'));
    images = await ImagePusher.create(cluster.get('REGISTRY'));
    folder = await mkdtemp(join(tmpdir(), 'archpolicy-image-'));
    image = await buildImage(folder);
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await live.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }, TIMEOUT_MS);

  const kubectl = (args: readonly string[], stdin?: string): Promise<string> => cluster.kubectlOutput(args, stdin);
  const apply = (...items: readonly JsonObject[]): Promise<string> =>
    kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const until = (what: string, condition: () => boolean | Promise<boolean>) =>
    waitFor(condition, { what, timeoutMs: TIMEOUT_MS });
  const rollout = async (): Promise<void> => {
    for (const workload of WORKLOADS) await kubectl(['rollout', 'status', workload, '-n', SYSTEM, '--timeout=100s']);
  };
  const isConstrained = async (): Promise<boolean> => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', namespace: 'default' },
      spec: { containers: [{ name: 'main', image: `${cluster.get('CLUSTER_REGISTRY')}/both:v1` }] },
    };
    const created = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], JSON.stringify(pod));
    return created.includes('archpolicy.dev/decision');
  };
  const runsOn = (node: string, { node: name, ready, deleting }: SeenPod): boolean =>
    name === node && ready && !deleting;

  test('all pods run under the restricted level with a read-only root, and the API server reaches the webhook through its Service', async () => {
    await images.push('both', 'index', ['amd64', 'arm64']);
    const manifests = await findManifests(MANIFESTS);
    await deploy({
      layout: clusterLayout(cluster.directory),
      image,
      manifests,
      signal: AbortSignal.timeout(DEPLOY_TIMEOUT_MS),
    });
    const spec = { mode: 'Enforce', remediation: { gracePeriodAfterScheduling: '1s' } };
    await kubectl(['patch', 'archpolicy', 'default', '--type=merge', '-p', JSON.stringify({ spec })]);
    await until('a pod to be constrained', isConstrained);

    const level = await kubectl(['get', 'namespace', SYSTEM, '-o', 'jsonpath={.metadata.labels}']);
    expect(JSON.parse(level)).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const pods = live.pods(SYSTEM);
    expect(pods.length).toBeGreaterThanOrEqual(2);
    expect(pods.filter((pod) => !runsOn(REAL_NODE_NAME, pod))).toEqual([]);
    for (const { name } of pods) {
      const path = 'jsonpath={.spec.containers[0].securityContext}';
      const context = await kubectl(['get', 'pod', name, '-n', SYSTEM, '-o', path]);
      expect(JSON.parse(context)).toMatchObject({ readOnlyRootFilesystem: true });
    }
  });

  test('pods get nodes that run their images: amd64 runs here, arm64 goes to the other node', async () => {
    await Promise.all([
      images.push('amd', 'index', ['amd64']),
      images.push('arm', 'single', ['arm64']),
      images.push('arm-index', 'index', ['arm64']),
    ]);
    await apply(namespace('shop'));
    const registry = cluster.get('CLUSTER_REGISTRY');
    for (const name of ['amd', 'arm', 'arm-index']) await apply(deployment('shop', name, `${registry}/${name}:v1`));
    await until('the pods to run', () => {
      const [amd, arm, index] = ['amd', 'arm', 'arm-index'].map((app) => live.pods('shop', app).filter(isStaying));
      return (
        amd?.length === 1 &&
        amd.every((pod) => runsOn(REAL_NODE_NAME, pod)) &&
        [arm, index].every((pods) => pods?.length === 1 && pods.every((pod) => runsOn(SIMULATED_NODE_NAME, pod)))
      );
    });
  });

  test('R1 pods that were placed wrong while the webhook was away are evicted, and their replacements run', async () => {
    await kubectl(['scale', 'deployment/archpolicy-webhook', '-n', SYSTEM, '--replicas=0']);
    const labels = ['-l', 'app.kubernetes.io/component=webhook'];
    await kubectl(['wait', '--for=delete', 'pod', ...labels, '-n', SYSTEM, '--timeout=100s']);
    await kubectl(['cordon', SIMULATED_NODE_NAME]);
    await apply(namespace('wrong'));
    const registry = cluster.get('CLUSTER_REGISTRY');
    for (const name of ['arm', 'arm-index']) await apply(deployment('wrong', name, `${registry}/${name}:v1`));
    await until('the pods to be on the wrong node', () => {
      const pods = live.pods('wrong');
      return pods.length === 2 && pods.every(({ node }) => node === REAL_NODE_NAME);
    });
    const before = live.pods('wrong').map(({ uid }) => uid);
    await kubectl(['uncordon', SIMULATED_NODE_NAME]);
    await kubectl(['scale', 'deployment/archpolicy-webhook', '-n', SYSTEM, '--replicas=1']);
    await rollout();
    await until('the replacements to run', () => {
      const pods = live.pods('wrong').filter(isStaying);
      return pods.length === 2 && pods.every((pod) => runsOn(SIMULATED_NODE_NAME, pod) && !before.includes(pod.uid));
    });
  });

  test('no creation was admitted without the webhook while it ran', async () => {
    await kubectl(['delete', 'namespace', 'shop', 'wrong', '--timeout=100s']);
    const count = await failOpenCount();
    for (let at = 0; at < 20; at += 1) expect(await isConstrained()).toBe(true);
    expect(await failOpenCount()).toBe(count);
  });

  test('P9 the removal leaves nothing of the installation', async () => {
    const file = join(folder, 'manifests.yaml');
    await writeFile(file, await kubectl(['kustomize', join(cluster.directory, 'run', 'deploy')]));
    const main = join(repositoryRoot, 'packages', 'lifecycle', 'src', 'main.ts');
    const args = ['remove', '--manifests', file, '--policies', '--crds', '--yes'];
    await run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      env: { ARCHPOLICY_KUBECONFIG: cluster.get('KUBECONFIG') },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const kinds = [
      ...['namespaces', 'customresourcedefinitions', 'clusterroles', 'clusterrolebindings', 'flowschemas'],
      ...['mutatingwebhookconfigurations', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
    ];
    const isGone = async (): Promise<boolean> => {
      const names = await kubectl(['get', kinds.join(','), '-o', 'name']);
      return !names.includes('archpolicy');
    };
    await until('all objects to be gone', isGone);
    expect(live.pods(SYSTEM)).toEqual([]);
  });

  async function failOpenCount(): Promise<number> {
    const page = await kubectl(['get', '--raw', '/metrics']);
    const values = [...page.matchAll(/^apiserver_admission_webhook_fail_open_count\{[^}]*\} (\d+)/gmu)];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }
});

function isStaying({ deleting }: SeenPod): boolean {
  return !deleting;
}
