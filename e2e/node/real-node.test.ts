import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { nodeNames, pushImage, startCluster, waitFor } from '@archpolicy/e2e';
import type { PushOptions, TestCluster } from '@archpolicy/e2e';
import { PODS } from '@archpolicy/kube';
import { LiveCluster } from '../support/live-cluster.ts';
import { policy } from '../support/manifests.ts';
import type { SeenPod } from '../support/pods.ts';
import { NODE_NAME, RealNode } from './src/real-node.ts';
import { createTar } from './src/tar.ts';
import { buildImageProgram, prepareTools, findMissingPrerequisite } from './src/tools.ts';

const NAMESPACE = 'real';
const TIMEOUT_MS = 120_000;
const BUILD_TIMEOUT_MS = 30 * 60_000;

jest.setTimeout(5 * 60_000);

const reason = await findMissingPrerequisite();

// Needs root on Linux and is not part of `make test`; the title of a skipped run contains the reason.
(reason === undefined ? describe : describe.skip)(
  reason === undefined ? 'a real node' : `a real node (skipped: ${reason})`,
  () => {
    let cluster: TestCluster;
    let live: LiveCluster;
    let node: RealNode | undefined;
    let folder = '';

    beforeAll(async () => {
      const tools = await prepareTools();
      folder = await mkdtemp(join(tmpdir(), 'archpolicy-programs-'));
      cluster = await startCluster({ only: 'control-plane' });
      live = LiveCluster.open(cluster.get('KUBECONFIG'));
      const registry = cluster.get('REGISTRY');
      const { reference } = await push('pause', 'single', 'amd64');
      const kubeconfig = cluster.get('KUBECONFIG');
      // Only the real node is schedulable until ArchPolicy is installed.
      await cordon(true);
      node = await RealNode.start({ tools, kubeconfig, registry, sandboxImage: reference });
      await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
      await until('the node to be Ready', async () => {
        const { status, stdout } = await cluster.kubectl([
          'wait',
          '--for=condition=Ready',
          '--timeout=1s',
          `node/${NODE_NAME}`,
        ]);
        return status === 0 && stdout.includes('met');
      });
    }, BUILD_TIMEOUT_MS);

    afterAll(async () => {
      await cluster.kubectl(['delete', 'deployments', '--all', '-n', NAMESPACE, '--wait=false']);
      await until('the pods to be gone', () => live.pods(NAMESPACE).length === 0).catch(() => undefined);
      await node?.stop();
      await live.close();
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    }, TIMEOUT_MS);

    test('R1 an arm64-only image fails as in docs/node-evidence.md, is evicted, and its replacement runs on an arm64 node', async () => {
      const [single, index] = await Promise.all([push('single', 'single', 'arm64'), push('index', 'index', 'arm64')]);
      await apply(deployment('single', single.reference), deployment('index', index.reference));
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
      await cluster.kubectl([isCordoned ? 'cordon' : 'uncordon', ...nodeNames]);
    }

    /** Pushes an image whose program runs on this architecture only. */
    async function push(name: string, kind: PushOptions['kind'], architecture: string): ReturnType<typeof pushImage> {
      const file = join(folder, `${name}-${architecture}`);
      await buildImageProgram(architecture, file);
      const layer = createTar('app', await readFile(file));
      const buildContent = () => ({ layer, config: { Entrypoint: ['/app'] } });
      return pushImage(cluster.get('REGISTRY'), name, 'v1', [`linux/${architecture}`], {
        kind,
        getContent: buildContent,
      });
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
  },
);

function deployment(app: string, image: string): JsonObject {
  const spec = {
    // So that no network plugin is needed.
    hostNetwork: true,
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace: NAMESPACE },
    spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec } },
  };
}
