import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { PODS } from '@archpolicy/kube';
import { LiveCluster } from '../support/live-cluster.ts';
import { policy } from '../support/manifests.ts';
import type { SeenPod } from '../support/pods.ts';
import { SIMULATED_NODE_NAME } from './src/components/catalogue.ts';
import { startRealCluster } from './src/index.ts';
import { deployment } from './support/deployments.ts';
import { describeReal } from './support/describe-real.ts';
import { ImagePusher } from './support/images.ts';

const NAMESPACE = 'real';
const TIMEOUT_MS = 120_000;

jest.setTimeout(5 * 60_000);

describeReal('a real node', () => {
  let cluster: TestCluster;
  let live: LiveCluster;
  let images: ImagePusher;

  beforeAll(async () => {
    cluster = await startRealCluster({ only: 'control-plane' });
    live = LiveCluster.open(cluster.get('KUBECONFIG'));
    images = await ImagePusher.create(cluster.get('REGISTRY'));
    // Only the real node is schedulable until ArchPolicy is installed.
    await cordon(true);
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await live.close();
    await cluster.stop();
  }, TIMEOUT_MS);

  test('R1 an arm64-only image fails as in docs/node-evidence.md, is evicted, and its replacement runs on an arm64 node', async () => {
    const [single, index] = await Promise.all([
      images.push('single', 'single', ['arm64']),
      images.push('index', 'index', ['arm64']),
    ]);
    await apply(deployment(NAMESPACE, 'single', single.reference), deployment(NAMESPACE, 'index', index.reference));
    // The platform of a single manifest is not checked: the container starts and ends at once, without a message.
    const crashed = await state('single', ({ terminated }) => terminated);
    expect(crashed).toMatchObject({ reason: 'Error' });
    expect([1, 255]).toContain(crashed['exitCode']);
    expect(crashed).not.toHaveProperty('message');
    // The pull of an index without the platform fails.
    const refused = await state('index', ({ waiting }) => waiting);
    expect(['ErrImagePull', 'ImagePullBackOff']).toContain(refused['reason']);
    expect(refused['message']).toContain('no match for platform in manifest');
    const before = live.pods(NAMESPACE).map(({ uid }) => uid);

    await cordon(false);
    cluster = await cluster.up('all');
    const remediation = { gracePeriodAfterScheduling: '1s' };
    await apply(policy(NAMESPACE, [NAMESPACE], { priority: 10, remediation }));
    await until('the replacements to run on arm64 nodes', () => {
      const pods = live.pods(NAMESPACE);
      return pods.length === 2 && pods.every((pod) => runsOnArm64(pod) && !before.includes(pod.uid));
    });
  });

  const until = (what: string, condition: () => boolean | Promise<boolean>) =>
    waitFor(condition, { what, timeoutMs: TIMEOUT_MS });

  const runsOnArm64 = ({ architecture, ready, deleting }: SeenPod): boolean =>
    architecture === 'arm64' && ready && !deleting;

  async function apply(...items: readonly JsonObject[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await until(
      'the objects to be accepted',
      async () => (await cluster.kubectl(['apply', '-f', '-'], list)).status === 0,
    );
  }

  async function cordon(isCordoned: boolean): Promise<void> {
    await cluster.kubectl([isCordoned ? 'cordon' : 'uncordon', SIMULATED_NODE_NAME]);
  }

  /** Waits for a state of a container of the app's pod and returns it. */
  async function state(app: string, part: (state: Record<string, unknown>) => unknown): Promise<JsonObject> {
    let found: unknown;
    await until(`the state of ${app}`, async () => {
      const [pod] = live.pods(NAMESPACE, app);
      if (pod === undefined) return false;
      const status = objectAt(await live.get(PODS, NAMESPACE, pod.name), 'status');
      const [container] = arrayAt(status, 'containerStatuses').filter(isJsonObject);
      found = container && (part(objectAt(container, 'lastState')) ?? part(objectAt(container, 'state')));
      return found !== undefined;
    });
    return found as JsonObject;
  }
});
