import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  nodeNames,
  PLATFORMS_ANNOTATION,
  pushImage,
  readAuditLog,
  REFUSED_AT_ANNOTATION,
  START_TIMEOUT_MILLISECONDS,
  startCluster,
  waitFor,
} from './index.ts';
import type { TestCluster } from './index.ts';
import { deployment, listPods, watchPods } from './fixtures/pods.ts';
import type { Pod } from './fixtures/pods.ts';

const isReady = ({ status }: Pod): boolean =>
  status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
const onAmd64 = ({ spec }: Pod): boolean => spec.nodeName.startsWith('amd64-');

describe('the local cluster without ArchPolicy', () => {
  let cluster: TestCluster;
  const apply = async (manifest: string): Promise<void> => {
    const { stderr, status } = await cluster.kubectl(['apply', '-f', '-'], manifest);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  };

  beforeAll(async () => {
    cluster = await startCluster({ only: 'control-plane' });
  }, START_TIMEOUT_MILLISECONDS);
  afterAll(() => cluster.stop());

  test('runs a Deployment of 6 on all four nodes', async () => {
    await apply(deployment('plain', 6));
    const ready = await waitFor(
      async () => {
        const pods = await listPods(cluster, 'plain');
        return pods.length === 6 && pods.every(isReady) && pods;
      },
      { timeoutMs: 30_000, what: 'six Ready pods' },
    );
    expect(new Set(ready.map(({ spec }) => spec.nodeName))).toEqual(new Set(nodeNames));
  }, 60_000);

  test('a pod for arm64 crashes on amd64 as on a real node, and runs on arm64', async () => {
    const seen = watchPods(cluster, 'refused', 8);
    await apply(deployment('refused', 6, { [PLATFORMS_ANNOTATION]: 'linux/arm64' }));
    const states = await seen;
    const misplaced = states.filter(onAmd64);
    // As on a real node, the container first runs and is Ready.
    expect(misplaced.some((pod) => isReady(pod) && pod.status.containerStatuses[0]?.state.running !== undefined)).toBe(
      true,
    );
    const crashing = await waitFor(
      async () =>
        (await listPods(cluster, 'refused')).find((pod) => onAmd64(pod) && waitingReason(pod) === 'CrashLoopBackOff'),
      { timeoutMs: 30_000, what: 'CrashLoopBackOff' },
    );
    const [container] = crashing.status.containerStatuses;
    expect(container?.restartCount).toBeGreaterThanOrEqual(1);
    expect(container?.lastState.terminated).toMatchObject({ exitCode: 255, reason: 'Error' });
    expect(container?.lastState.terminated).not.toHaveProperty('message');
    expect(container?.state.waiting?.message).toBe(
      `back-off 10s restarting failed container=main pod=${crashing.metadata.name}_default(${crashing.metadata.uid})`,
    );
    expect(crashing.status.phase).toBe('Running');
    expect(crashing.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', message: 'containers with unready status: [main]' }),
    );
    const placed = (await listPods(cluster, 'refused')).filter((pod) => !onAmd64(pod));
    expect(placed.length).toBeGreaterThan(0);
    expect(placed.every((pod) => isReady(pod) && pod.status.containerStatuses[0]?.restartCount === 0)).toBe(true);
  }, 60_000);

  test('refuses the pull of an index without the platform, with the message of containerd', async () => {
    await apply(deployment('pull', 4, { [PLATFORMS_ANNOTATION]: 'linux/amd64', [REFUSED_AT_ANNOTATION]: 'pull' }));
    const refused = await waitFor(
      async () => (await listPods(cluster, 'pull')).find((pod) => waitingReason(pod) === 'ErrImagePull'),
      { timeoutMs: 30_000, what: 'ErrImagePull' },
    );
    expect(refused.spec.nodeName).toMatch(/^arm64-/);
    expect(refused.status.phase).toBe('Pending');
    expect(refused.status.containerStatuses[0]?.state.waiting?.message).toMatch(
      /^rpc error: code = NotFound desc = get image config descriptor: no match for platform in manifest sha256:[0-9a-f]{64}: not found$/,
    );
  }, 60_000);

  test('completes a Job and removes deleted pods', async () => {
    const container = { name: 'main', image: 'registry.example/job:v1' };
    const template = {
      metadata: { labels: { app: 'job' } },
      spec: { restartPolicy: 'Never', containers: [container] },
    };
    await apply(JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job' }, spec: { template } }));
    expect((await cluster.kubectl(['wait', '--for=condition=Complete', 'job/job', '--timeout=30s'])).status).toBe(0);
    const deleted = await cluster.kubectl([
      'delete',
      'deployment/plain',
      'job/job',
      '--cascade=foreground',
      '--timeout=30s',
    ]);
    expect(deleted.status).toBe(0);
    expect([...(await listPods(cluster, 'plain')), ...(await listPods(cluster, 'job'))]).toEqual([]);
  }, 90_000);

  test('does not schedule a gated pod', async () => {
    const spec = { schedulingGates: [{ name: 'example.com/wait' }], containers: [{ name: 'main', image: 'a' }] };
    await apply(
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gated', labels: { app: 'gated' } }, spec }),
    );
    const [pod] = await listPods(cluster, 'gated');
    expect(pod?.status.phase).toBe('Pending');
    expect(pod?.spec.nodeName).toBe('');
  });

  test('serves images that are pushed to its registry', async () => {
    const platforms = ['linux/amd64', 'linux/arm64/v8'];
    const pushed = await pushImage(cluster.get('REGISTRY'), 'team/app', 'v1', platforms);
    const accept = 'application/vnd.oci.image.index.v1+json';
    const answer = await fetch(`http://${cluster.get('REGISTRY')}/v2/team/app/manifests/v1`, { headers: { accept } });
    expect(answer.headers.get('docker-content-digest')).toBe(pushed.digest);
    expect(await answer.json()).toMatchObject({
      manifests: [
        { digest: pushed.manifests[0], platform: { os: 'linux', architecture: 'amd64' } },
        { digest: pushed.manifests[1], platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      ],
    });
    const single = await pushImage(cluster.get('REGISTRY'), 'team/one', 'v1', ['linux/arm64'], { kind: 'single' });
    const manifest = await fetch(`http://${cluster.get('REGISTRY')}/v2/team/one/manifests/${single.digest}`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    expect(await manifest.json()).toHaveProperty('config.digest');
  });

  test('writes requests and their users to the audit log', async () => {
    const events = await readAuditLog(cluster.get('AUDIT_LOG'));
    expect(events).toContainEqual(
      expect.objectContaining({
        verb: 'create',
        user: expect.objectContaining({ username: 'system:serviceaccount:kube-system:replicaset-controller' }),
        objectRef: expect.objectContaining({ resource: 'pods', namespace: 'default' }),
        responseStatus: expect.objectContaining({ code: 201 }),
      }),
    );
    expect(events.every((event) => !('requestObject' in event))).toBe(true);
  });

  test('enforces RBAC: an account without a role has no rights', async () => {
    const as = '--as=system:serviceaccount:default:default';
    expect((await cluster.kubectl(['auth', 'can-i', 'list', 'pods', as])).stdout.trim()).toBe('no');
    expect((await cluster.kubectl(['auth', 'can-i', 'list', 'pods'])).stdout.trim()).toBe('yes');
  });
});

function waitingReason(pod: Pod): string | undefined {
  return pod.status.containerStatuses[0]?.state.waiting?.reason;
}
