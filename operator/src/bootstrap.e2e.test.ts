import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  EMULATED_ANNOTATION,
  PLATFORMS_ANNOTATION,
  pushImage,
  readAuditLog,
  START_TIMEOUT_MILLISECONDS,
  startCluster,
  waitFor,
} from '@archpolicy/e2e';
import type { AuditEvent, TestCluster } from '@archpolicy/e2e';

/** A cluster that bootstrapped without ArchPolicy: pods have been crashing on wrong nodes for 40 s when it comes. */
const CRASHED_FOR_MS = 40_000;
const EVICTED_WITHIN_MS = 10_000;
const REPLICAS = 6;
/** The bare pod, the DaemonSet's pods on two amd64 nodes, and the one that is Ready. */
const STAYING = 4;
const OPERATOR = 'system:serviceaccount:archpolicy-system:archpolicy-operator';

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
  };
}

describe('a cluster that bootstrapped without ArchPolicy', () => {
  let cluster: TestCluster;
  let image = '';
  /** UIDs of the crashing pods of the Deployment on amd64 nodes. */
  let wrong: readonly string[] = [];
  let startedAtMs = 0;

  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { stdout, stderr, status } = await cluster.kubectl(args, stdin);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  const apply = (...objects: readonly object[]): Promise<string> =>
    kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const pods = async (app: string): Promise<readonly Pod[]> =>
    (JSON.parse(await kubectl(['get', 'pods', '-l', `app=${app}`, '-o', 'json'])) as { items: Pod[] }).items;
  const audited = async (pick: (event: AuditEvent) => boolean): Promise<readonly AuditEvent[]> =>
    (await readAuditLog(cluster.get('AUDIT_LOG'))).filter((event) => event.stage === 'ResponseComplete' && pick(event));

  beforeAll(async () => {
    cluster = await startCluster({ only: 'control-plane' });
    ({ reference: image } = await pushImage(cluster.get('REGISTRY'), 'shop/web', 'v1', ['linux/arm64']));
    await apply(
      workload('Deployment', 'web', image, { replicas: REPLICAS }),
      workload('DaemonSet', 'agent', image),
      workload('Deployment', 'emulated', image, { replicas: 1 }, { [EMULATED_ANNOTATION]: 'true' }, 'amd64'),
      barePod('bare', image),
    );
    wrong = await waitFor(
      async () => {
        const crashing = (await pods('web')).filter(isOnAmd64);
        const isOld = crashing.every((pod) => sinceMs(pod, 'PodScheduled') > CRASHED_FOR_MS);
        return crashing.length > 0 && isOld ? crashing.map(({ metadata }) => metadata.uid) : undefined;
      },
      { timeoutMs: 120_000, intervalMs: 1_000, what: 'pods that have crashed for 40 s' },
    );
    cluster = await cluster.up('all');
    const [first] = await audited(({ user }) => user.username === OPERATOR);
    startedAtMs = Date.parse(first?.requestReceivedTimestamp ?? '');
  }, START_TIMEOUT_MILLISECONDS);
  afterAll(() => cluster.stop());

  test('R6 within 10 s of the operator’s start its crashing pods have been evicted, by the Eviction API', async () => {
    const evictions = await waitFor(
      async () => {
        const accepted = await audited(isAcceptedEviction);
        return accepted.length >= wrong.length && accepted;
      },
      { timeoutMs: 30_000, what: `${wrong.length} evictions` },
    );
    const last = Math.max(...evictions.map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp)));
    expect(last - startedAtMs).toBeLessThan(EVICTED_WITHIN_MS);
    expect(new Set(evictions.map(({ user }) => user.username))).toEqual(new Set([OPERATOR]));
    const settled = async (): Promise<boolean> => {
      const all = await pods('web');
      return all.length === REPLICAS && all.every((pod) => isReady(pod) && !isOnAmd64(pod));
    };
    await waitFor(settled, { timeoutMs: 30_000, what: 'all replicas to run on arm64 nodes' });
  }, 60_000);

  test('P3 nothing is evicted twice, and nothing is deleted by our accounts', async () => {
    const ours = await audited(({ user }) => user.username.startsWith('system:serviceaccount:archpolicy-system:'));
    expect(ours.filter(({ verb }) => verb.startsWith('delete'))).toEqual([]);
    const evicted = ours.filter(isAcceptedEviction).map(({ objectRef }) => objectRef?.name);
    expect(new Set(evicted).size).toBe(evicted.length);
    expect(evicted).toHaveLength(wrong.length);
  });

  test('R2 a bare pod and a DaemonSet’s pods are still there', async () => {
    expect(await pods('bare')).toHaveLength(1);
    expect((await pods('agent')).filter(isOnAmd64)).toHaveLength(2);
  });

  test('R1 a pod that is Ready on the wrong node is still there', async () => {
    expect((await pods('emulated')).filter(isOnAmd64)).toHaveLength(1);
  });

  test('the policy’s status counts it', async () => {
    const columns = 'MISPLACED:.status.pods.misplaced,EVICTED:.status.pods.evicted,PODS:.status.pods.matched';
    const expected = `MISPLACED EVICTED PODS ${STAYING} ${wrong.length} `;
    await waitFor(
      async () => {
        const shown = await kubectl(['get', 'archpolicies', 'default', '-o', `custom-columns=${columns}`]);
        return shown.replaceAll(/\s+/gu, ' ').startsWith(expected);
      },
      { timeoutMs: 15_000, what: expected },
    );
  }, 20_000);

  test('an event says what was done and why', async () => {
    const events = JSON.parse(await kubectl(['get', 'events', '-o', 'json'])) as {
      items: readonly { reason: string; message: string }[];
    };
    const evicted = events.items.find(({ reason }) => reason === 'Misplaced');
    expect(evicted?.message).toMatch(
      /^Pod web-\S+ of Deployment web was evicted: node amd64-\d \(amd64\) cannot run \S+\/shop\/web:v1; its images run on arm64\.$/u,
    );
    const reasons = new Set(events.items.map(({ reason }) => reason));
    expect([...reasons]).toEqual(expect.arrayContaining(['BarePod', 'DaemonSetPod', 'Ready']));
  });
});

function workload(
  kind: string,
  app: string,
  image: string,
  spec: object = {},
  more: object = {},
  arch?: string,
): object {
  const annotations = { [PLATFORMS_ANNOTATION]: 'linux/arm64', ...more };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: app, namespace: 'default' },
    spec: {
      ...spec,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app }, annotations }, spec: podSpec(image, arch) },
    },
  };
}

function barePod(app: string, image: string): object {
  const annotations = { [PLATFORMS_ANNOTATION]: 'linux/arm64' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: app, namespace: 'default', labels: { app }, annotations },
    spec: podSpec(image, 'amd64'),
  };
}

function podSpec(image: string, arch?: string): object {
  return {
    containers: [{ name: 'main', image }],
    ...(arch !== undefined && { nodeSelector: { 'kubernetes.io/arch': arch } }),
  };
}

function isOnAmd64({ spec }: Pod): boolean {
  return spec.nodeName?.startsWith('amd64') ?? false;
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

function sinceMs({ status }: Pod, type: string): number {
  const condition = status.conditions?.find((candidate) => candidate.type === type && candidate.status === 'True');
  return condition === undefined ? 0 : Date.now() - Date.parse(condition.lastTransitionTime);
}

function isAcceptedEviction({ objectRef, responseStatus, verb }: AuditEvent): boolean {
  return verb === 'create' && objectRef?.subresource === 'eviction' && responseStatus?.code === 201;
}
