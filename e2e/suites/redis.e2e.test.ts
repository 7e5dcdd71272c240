import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { FakeRegistry, multiPlatformImage, singleImage } from '@archpolicy/testkit';
import { withDiagnosis } from '../support/diagnose.ts';
import { podTemplate, workload } from '../support/manifests.ts';
import { listPods } from '../support/pods.ts';
import { privateImageTests } from './private-images.ts';

const TIMEOUT_MS = 90_000;

let cluster: TestCluster;
/** Records all requests of webhook and operator. */
let registry: FakeRegistry;

beforeAll(async () => {
  registry = await new FakeRegistry().start();
  cluster = await startCluster();
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
  await registry.stop();
});

afterEach(() => {
  registry.fault = () => undefined;
});

/** Creates a workload of three pods and waits until all of them run on arm64 nodes. */
async function deployOnArm64(app: string, image: string): Promise<void> {
  const template = podTemplate(app, { reference: `${registry.host}/${image}`, platforms: ['linux/arm64'] });
  const object = workload('Deployment', 'default', app, template, { replicas: 3 });
  await cluster.kubectlOutput(['apply', '-f', '-'], JSON.stringify(object));
  const allReady = async (): Promise<boolean> => {
    const pods = (await listPods(cluster.kubectl, 'default')).filter((pod) => pod.app === app);
    return pods.length === 3 && pods.every(({ architecture, ready }) => architecture === 'arm64' && ready);
  };
  const what = `the pods of ${app} to run on arm64 nodes`;
  await withDiagnosis(
    () => ({ directory: cluster.directory, logs: ['webhook', 'operator'], pods: [] }),
    () => waitFor(allReady, { timeoutMs: 45_000, what }),
  );
}

async function kill(...names: readonly string[]): Promise<void> {
  const pids = (await cluster.status()).components.flatMap(({ name, pid }) =>
    names.includes(name) && pid !== undefined ? [pid] : [],
  );
  expect(pids).toHaveLength(names.length);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('webhook and operator with private images', () => {
  privateImageTests(() => cluster);
});

describe('webhook and operator with a Redis', () => {
  test(
    'P7 K1 K4 a new image costs one GET of its manifest and one of its config in total, and none after a restart',
    async () => {
      registry.push('single', 'v1', singleImage('linux/arm64'));
      registry.push('index', 'v1', multiPlatformImage(['linux/arm64', 'linux/s390x']));
      await deployOnArm64('single', 'single:v1');
      await deployOnArm64('index', 'index:v1');
      const expected = [
        'GET /v2/single/manifests/v1',
        expect.stringMatching(/^GET .*blobs/),
        'GET /v2/index/manifests/v1',
      ];
      expect(registry.lines).toEqual(expected);
      await kill('webhook', 'operator');
      cluster = await cluster.up('all');
      await deployOnArm64('single-again', 'single:v1');
      await deployOnArm64('index-again', 'index:v1');
      expect(registry.lines).toEqual(expected);
    },
    TIMEOUT_MS,
  );

  test(
    'K5 after a 429 no process, not even a restarted one, sends requests to that registry before Retry-After',
    async () => {
      const limited = await new FakeRegistry().start();
      limited.fault = () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
      const pods = ['a', 'b'].map((name) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `limited-${name}` },
        spec: { containers: [{ name: 'main', image: `${limited.host}/${name}:v1` }] },
      }));
      await cluster.kubectlOutput(['apply', '-f', '-'], JSON.stringify(pods[0]));
      await waitFor(() => limited.requests.length > 0, {
        timeoutMs: 10_000,
        what: 'the registry to receive a request',
      });
      await kill('webhook');
      cluster = await cluster.up('all');
      await cluster.kubectlOutput(['apply', '-f', '-'], JSON.stringify(pods[1]));
      expect(limited.lines).toEqual(['GET /v2/a/manifests/v1']);
      await limited.stop();
    },
    TIMEOUT_MS,
  );

  test(
    'K7 P2 without Redis pods are placed as before, with more requests',
    async () => {
      registry.push('without', 'v1', singleImage('linux/arm64', 'without'));
      registry.push('with', 'v1', singleImage('linux/arm64', 'with'));
      await kill('redis');
      await deployOnArm64('without', 'without:v1');
      cluster = await cluster.up('all');
      await deployOnArm64('with', 'with:v1');
    },
    TIMEOUT_MS,
  );
});
