import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { systemClock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import {
  IDLE_OPERATOR,
  START_TIMEOUT_MILLISECONDS,
  nodeNames,
  pushImage,
  startCluster,
  waitFor,
} from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import type { ApiResponse } from '@archpolicy/kube';
import fc from 'fast-check';
import { validPod } from './fixtures/generated-pods.ts';
import { onVirtualNode, pod, virtualNode, workload } from './fixtures/manifests.ts';

jest.setTimeout(90_000);

let cluster: TestCluster;
let arm64Only: string;
let both: string;

const kubectl: TestCluster['kubectlOutput'] = (args, stdin) => cluster.kubectlOutput(args, stdin);

interface PodObject {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: Readonly<Record<string, unknown>> & { readonly nodeName?: string };
}

const json = async <T>(args: readonly string[], stdin?: string): Promise<T> =>
  JSON.parse(await kubectl([...args, '-o', 'json'], stdin)) as T;

const get = (name: string, namespace = 'default'): Promise<PodObject> =>
  json<PodObject>(['get', 'pod', name, '-n', namespace]);

const getPods = async (app: string): Promise<readonly PodObject[]> =>
  (await json<{ items: PodObject[] }>(['get', 'pods', '-l', `app=${app}`])).items;

const waitForPlacement = (app: string, count: number): Promise<readonly (string | undefined)[]> =>
  waitFor(
    async () => {
      const nodes = (await getPods(app)).map(({ spec }) => spec.nodeName);
      return nodes.length === count && nodes.every((node) => node !== undefined) && nodes;
    },
    { timeoutMs: 30_000, what: `${count} pods of ${app} to be bound` },
  );

const architectures = (spec: PodObject['spec']): unknown =>
  JSON.stringify(spec['affinity'] ?? null).includes('"values":["arm64"]') ? 'arm64' : undefined;

beforeAll(async () => {
  cluster = await startCluster({ programs: { operator: IDLE_OPERATOR } });
  const registry = cluster.get('REGISTRY');
  arm64Only = (await pushImage(registry, 'arm64-only', 'v1', ['linux/arm64'], { kind: 'single' })).reference;
  both = (await pushImage(registry, 'both', 'v1', ['linux/amd64', 'linux/arm64'])).reference;
  await kubectl(['create', 'namespace', 'skipped']);
  await kubectl(['label', 'namespace', 'skipped', 'archpolicy.dev/skip=true']);
}, START_TIMEOUT_MILLISECONDS);

afterAll(() => cluster.stop());

describe('pods on the real API server and scheduler', () => {
  test.each(['Deployment', 'StatefulSet'])(
    'the pods of a %s with an arm64-only image are bound to arm64 nodes',
    async (kind) => {
      const app = `lands-${kind.toLowerCase()}`;
      await kubectl(['apply', '-f', '-'], workload(kind, app, arm64Only, { replicas: 4 }));
      const nodes = await waitForPlacement(app, 4);
      expect(nodes.filter((node) => !node?.startsWith('arm64'))).toEqual([]);
    },
  );

  test('the pod of a Job with an arm64-only image is bound to an arm64 node', async () => {
    await kubectl(['apply', '-f', '-'], workload('Job', 'lands-job', arm64Only));
    expect(await waitForPlacement('lands-job', 1)).toEqual([expect.stringMatching(/^arm64/u)]);
  });

  test('all pods of a workload with a multi-platform image are bound to the preferred architecture', async () => {
    await kubectl(['apply', '-f', '-'], workload('Deployment', 'both', both, { replicas: 4 }));
    const nodes = await waitForPlacement('both', 4);
    expect(nodes.filter((node) => !node?.startsWith('amd64'))).toEqual([]);
  });

  test("PL1 a DaemonSet's pods are unchanged: one on each node", async () => {
    await kubectl(['apply', '-f', '-'], workload('DaemonSet', 'daemon', arm64Only));
    expect([...(await waitForPlacement('daemon', nodeNames.length))].sort()).toEqual([...nodeNames].sort());
  });

  test.each<['type' | 'pool', () => string, RegExp]>([
    ['type', () => both, /^null$/u],
    ['pool', () => arm64Only, /"operator":"NotIn"/u],
  ])('PL5 a pod of the %s of a virtual node lands there', async (key, image, affinity) => {
    await kubectl(['label', 'nodes', '-l', 'kubernetes.io/arch=amd64', 'pool=mixed']);
    await kubectl(['create', '-f', '-'], virtualNode('virtual-1', { pool: 'mixed' }));
    // Poll until the webhook has received the node's watch event.
    const decided = async (): Promise<boolean> => {
      await kubectl(['delete', 'pod', 'virtual', '--ignore-not-found', '--force', '--grace-period=0']);
      await kubectl(['create', '-f', '-'], pod('virtual', image(), onVirtualNode(key)));
      return affinity.test(JSON.stringify((await get('virtual')).spec['affinity'] ?? null));
    };
    await waitFor(decided, { timeoutMs: 30_000, what: 'a pod that is open to nodes without an architecture label' });
    const bound = async (): Promise<string | undefined> => (await get('virtual')).spec.nodeName;
    expect(await waitFor(bound, { timeoutMs: 30_000, what: 'the pod to be bound' })).toBe('virtual-1');
    await kubectl(['delete', 'pod', 'virtual', '--force', '--grace-period=0']);
    await kubectl(['delete', 'node', 'virtual-1']);
    await kubectl(['label', 'nodes', '-l', 'pool', 'pool-']);
  });

  test('a pod of a missing image is admitted with a warning that kubectl prints', async () => {
    const image = `${cluster.get('REGISTRY')}/missing:v1`;
    const { status, stderr } = await cluster.kubectl(['apply', '-f', '-'], pod('missing', image));
    expect(status).toBe(0);
    expect(stderr).toMatch(/^Warning: archpolicy: .*NotFound/u);
    expect((await get('missing')).spec['affinity']).toBeUndefined();
  });

  test('unknown fields are kept: the pod differs only by our additions', async () => {
    // Another gate keeps the pod unscheduled, so that only admission changes it.
    const spec: JsonObject = {
      schedulingGates: [{ name: 'example.com/wait' }],
      automountServiceAccountToken: false,
      hostUsers: false,
      setHostnameAsFQDN: true,
      resources: { requests: { cpu: '10m' }, limits: { cpu: '1' } },
      securityContext: { supplementalGroupsPolicy: 'Strict', appArmorProfile: { type: 'Unconfined' } },
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: 'x' } },
          matchLabelKeys: ['pod-template-hash'],
          nodeTaintsPolicy: 'Honor',
        },
      ],
      containers: [
        {
          name: 'main',
          image: arm64Only,
          resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
          lifecycle: { stopSignal: 'SIGUSR1', preStop: { sleep: { seconds: 3 } } },
          volumeMounts: [{ name: 'c', mountPath: '/c', recursiveReadOnly: 'Disabled', readOnly: true }],
        },
      ],
      initContainers: [{ name: 'side', image: arm64Only, restartPolicy: 'Always' }],
      volumes: [{ name: 'c', projected: { sources: [{ downwardAPI: { items: [] } }] } }],
      os: { name: 'linux' },
    };
    await kubectl(['create', '-f', '-'], pod('fields', arm64Only, spec));
    await kubectl(['create', '-f', '-', '-n', 'skipped'], pod('fields', arm64Only, spec));
    const [patched, unpatched] = await Promise.all([get('fields'), get('fields', 'skipped')]);
    const { affinity, tolerations, ...rest } = patched.spec;
    const { tolerations: defaults, ...expected } = unpatched.spec;
    expect(JSON.stringify(affinity)).toContain('"values":["arm64"]');
    expect(tolerations).toEqual(expect.arrayContaining(defaults as unknown[]));
    expect(JSON.stringify(rest)).toBe(JSON.stringify(expected));
    expect(patched.metadata.annotations?.['archpolicy.dev/decision']).toContain('arm64');
  });

  test('a dry run returns the constrained pod and creates none', async () => {
    const shown = await json<PodObject>(['create', '--dry-run=server', '-f', '-'], pod('dry', arm64Only));
    expect(architectures(shown.spec)).toBe('arm64');
    expect((await cluster.kubectl(['get', 'pod', 'dry'])).status).not.toBe(0);
  });
});

describe('generated pods', () => {
  /** Enough for 300 valid pods: the API server rejects some. */
  const PODS = 400;
  const SIDE_BY_SIDE = 16;

  /** Namespace `generated` has a policy with all fields set, `default` the default policy, `skipped` none. */
  const setUp = async (): Promise<void> => {
    const spec: JsonObject = {
      priority: 10,
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'generated' } },
      architectures: ['amd64', 'arm64'],
      preference: { architectures: ['arm64', 'amd64'], type: 'Prefer', weight: 37 },
      rollout: { architecture: 'amd64', percent: 50 },
      copyLabelsToNodeAffinity: ['example.com/team'],
      whenUnresolved: 'Fallback',
      fallbackArchitecture: 'amd64',
    };
    const policy = { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata: { name: 'generated' }, spec };
    await kubectl(['create', '-f', '-'], JSON.stringify(policy));
    await kubectl(['create', 'namespace', 'generated']);
    await waitFor(
      async () => {
        const { status, stdout } = await cluster.kubectl(
          ['create', '--dry-run=server', '-n', 'generated', '-o', 'json', '-f', '-'],
          pod('first', arm64Only),
        );
        return status === 0 && stdout.includes('\\"policy\\":\\"generated\\"');
      },
      { timeoutMs: 20_000, what: 'the policy of the namespace to apply' },
    );
  };

  test('P1 the API server accepts the patched form of each of hundreds of pods that it accepts unpatched', async () => {
    await setUp();
    const clock = systemClock();
    const credentials = new KubeConfigCredentials({ file: cluster.get('KUBECONFIG') }, clock);
    const api = new ApiClient({ credentials, clock, userAgent: 'archpolicy-test' });
    const dryRun = (namespace: string, body: JsonObject): Promise<ApiResponse> => {
      const [path, signal] = [`/api/v1/namespaces/${namespace}/pods`, AbortSignal.timeout(30_000)];
      return api.request({ method: 'POST', path, query: { dryRun: 'All' }, body, signal });
    };
    const seed = randomInt(2 ** 31);
    const images = [arm64Only, both, `${cluster.get('REGISTRY')}/missing:v1`];
    const pods = fc.sample(validPod(images), { numRuns: PODS, seed });
    const results = { valid: 0, changed: 0, refusedByUs: [] as unknown[] };
    const next = pods.entries();
    const work = async (): Promise<void> => {
      for (const [index, one] of next) {
        if ((await dryRun('skipped', one)).kind !== 'ok') continue;
        results.valid += 1;
        const answer = await dryRun(index % 2 === 0 ? 'default' : 'generated', one);
        if (answer.kind !== 'ok') results.refusedByUs.push({ seed, index, answer, pod: JSON.stringify(one) });
        else if (JSON.stringify(answer.body).includes('archpolicy.dev/decision')) results.changed += 1;
      }
    };
    try {
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
    } finally {
      await api.close();
      await kubectl(['delete', 'archpolicy', 'generated']);
    }
    expect(results.refusedByUs).toEqual([]);
    expect({ seed, enough: results.valid >= 300, changed: results.changed >= 100 }).toEqual({
      seed,
      enough: true,
      changed: true,
    });
  });
});

describe('applying a manifest twice', () => {
  const ways = [['--server-side'], ['--server-side=false']];

  test.each(ways)('kubectl apply %s of a workload', async (way) => {
    const manifest = workload('Deployment', `twice${way.length}`, arm64Only, { replicas: 1 });
    await kubectl(['apply', way, '-f', '-'], manifest);
    await waitForPlacement(`twice${way.length}`, 1);
    expect(await kubectl(['apply', way, '-f', '-'], manifest)).toMatch(/serverside-applied|unchanged/u);
  });

  test.each(ways)('kubectl apply %s of a bare pod', async (way) => {
    const manifest = pod(`bare${way.length}`, arm64Only);
    await kubectl(['apply', way, '-f', '-'], manifest);
    expect(architectures((await get(`bare${way.length}`)).spec)).toBe('arm64');
    await kubectl(['apply', way, '-f', '-'], manifest);
    expect(architectures((await get(`bare${way.length}`)).spec)).toBe('arm64');
  });

  test.each(ways)('PL1 kubectl apply %s of a bare pod with tolerations and affinity of its own', async (way) => {
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'Exists' }] }] };
    const manifest = pod(`owned${way.length}`, arm64Only, {
      tolerations: [{ key: 'a', operator: 'Exists' }],
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
    });
    await kubectl(['apply', way, '-f', '-'], manifest);
    await kubectl(['apply', way, '-f', '-'], manifest);
    const { spec } = await get(`owned${way.length}`);
    expect(architectures(spec)).toBeUndefined();
    expect(spec['nodeSelector']).toEqual({ 'kubernetes.io/arch': 'arm64' });
  });
});

describe('policies', () => {
  const spec = (patch: JsonObject): Promise<string> =>
    kubectl(['patch', 'archpolicy', 'default', '--type=merge', '-p', JSON.stringify({ spec: patch })]);
  const affinityNow = async (): Promise<unknown> =>
    (await json<PodObject>(['create', '--dry-run=server', '-f', '-'], pod('now', arm64Only))).spec['affinity'];

  test('PL10 a change of the mode applies at once: Audit changes no pod, Enforce does again', async () => {
    await spec({ mode: 'Audit' });
    await waitFor(async () => (await affinityNow()) === undefined, { timeoutMs: 5_000, what: 'Audit' });
    await spec({ mode: 'Enforce' });
    await waitFor(async () => (await affinityNow()) !== undefined, { timeoutMs: 5_000, what: 'Enforce' });
  });

  test('PL1 a pod in a new namespace is constrained', async () => {
    const manifest = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"fresh"}}\n---\n${pod('new', arm64Only, {}, { namespace: 'fresh' })}`;
    // The ServiceAccount plugin rejects pods until the namespace has its default account.
    await waitFor(async () => (await cluster.kubectl(['apply', '-f', '-'], manifest)).status === 0, {
      timeoutMs: 20_000,
      what: 'the pod in a new namespace',
    });
    expect(architectures((await get('new', 'fresh')).spec)).toBe('arm64');
  });
});

describe('the process', () => {
  const running = (pid: string): boolean => {
    try {
      process.kill(Number(pid), 0);
      return true;
    } catch {
      return false;
    }
  };

  test('renews its Lease', async () => {
    const lease = await json<{ spec: { renewTime: string } }>([
      'get',
      'lease',
      'archpolicy-webhook',
      '-n',
      'archpolicy-system',
    ]);
    expect(Date.now() - Date.parse(lease.spec.renewTime)).toBeLessThan(30_000);
  });

  test('P1 after SIGKILL pods are created at once, unconstrained', async () => {
    process.kill(Number(cluster.get('WEBHOOK_PID')), 'SIGKILL');
    const before = Date.now();
    await kubectl(['create', '-f', '-'], pod('meanwhile', arm64Only));
    expect(Date.now() - before).toBeLessThan(4_000);
    expect((await get('meanwhile')).spec['affinity']).toBeUndefined();
    cluster = await cluster.up('all');
    await kubectl(['create', '-f', '-'], pod('afterwards', arm64Only));
    expect(architectures((await get('afterwards')).spec)).toBe('arm64');
  });

  test('SIGTERM ends the process within 5 s', async () => {
    const pid = cluster.get('WEBHOOK_PID');
    const before = Date.now();
    process.kill(Number(pid), 'SIGTERM');
    await waitFor(() => !running(pid), { timeoutMs: 15_000, what: 'the webhook to end' });
    expect(Date.now() - before).toBeLessThan(5_000);
    cluster = await cluster.up('all');
    expect(architectures((await get('afterwards')).spec)).toBe('arm64');
  });
});
