import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { isJsonObject, objectAt } from '@archpolicy/core';
import { IDLE_OPERATOR, START_TIMEOUT_MILLISECONDS, pushImage, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { pod } from './fixtures/manifests.ts';

jest.setTimeout(90_000);

let cluster: TestCluster;
let arm64Only: string;

const kubectl: TestCluster['kubectlOutput'] = (args, stdin) => cluster.kubectlOutput(args, stdin);

const getSpec = async (name: string): Promise<JsonObject> => {
  const object: unknown = JSON.parse(await kubectl(['get', 'pod', name, '-o', 'json']));
  return isJsonObject(object as JsonObject) ? objectAt(object as JsonObject, 'spec') : {};
};

/** Returns where the pod requires arm64, and whether it tolerates the taint of arm64. */
const constrainedBy = (spec: JsonObject): string => {
  const parts = [
    objectAt(spec, 'nodeSelector')['kubernetes.io/arch'] === 'arm64' ? 'nodeSelector' : '',
    JSON.stringify(spec['affinity'] ?? null).includes('"kubernetes.io/arch"') ? 'affinity' : '',
    JSON.stringify(spec['tolerations'] ?? null).includes('"kubernetes.io/arch"') ? 'toleration' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
};

beforeAll(async () => {
  cluster = await startCluster({ programs: { operator: IDLE_OPERATOR } });
  arm64Only = (await pushImage(cluster.get('REGISTRY'), 'arm64-only', 'v1', ['linux/arm64'], { kind: 'single' }))
    .reference;
  // With the taint the webhook adds a toleration.
  await kubectl(['taint', 'nodes', '-l', 'kubernetes.io/arch=arm64', 'kubernetes.io/arch=arm64:NoSchedule']);
  const probe = async (): Promise<boolean> =>
    (await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], pod('probe', arm64Only))).includes(
      '"value": "arm64"',
    );
  await waitFor(probe, { timeoutMs: 30_000, what: 'a toleration of the new taint' });
}, START_TIMEOUT_MILLISECONDS);

afterAll(() => cluster.stop());

const expressions = [{ key: 'kubernetes.io/os', operator: 'Exists' }];
const required = {
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: expressions }] },
};
const preferred = {
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: expressions } }],
};
const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } };
const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
const own = [{ key: 'gpu', operator: 'Exists' }];
const os = { 'kubernetes.io/os': 'linux' };

const SELECTED = 'nodeSelector toleration';
const REJECTED = 'rejected';

/** How the pod is constrained by each way. `rejected`: it is constrained, and the second apply is rejected. */
const CASES: readonly (readonly [
  why: string,
  spec: JsonObject,
  applied: string,
  created: string,
  serverSide: string,
])[] = [
  ['nothing', {}, 'affinity toleration', 'affinity toleration', 'affinity toleration'],
  // The object of `kubectl create` has no empty list and no null: it does not show that the manifest sets the field.
  ['an empty list of tolerations', { tolerations: [] }, 'affinity', REJECTED, 'affinity'],
  ['tolerations null', { tolerations: null }, 'affinity', REJECTED, 'affinity'],
  ['affinity null', { affinity: null }, SELECTED, REJECTED, SELECTED],
  ['tolerations', { tolerations: own }, 'affinity', 'affinity', 'affinity'],
  ['an empty affinity', { affinity: {} }, SELECTED, SELECTED, SELECTED],
  ['required affinity', { affinity: { nodeAffinity: required } }, SELECTED, SELECTED, SELECTED],
  ['preferred affinity', { affinity: { nodeAffinity: preferred } }, SELECTED, SELECTED, SELECTED],
  ['pod anti-affinity', { affinity: { podAntiAffinity } }, SELECTED, SELECTED, SELECTED],
  ['node affinity null', { affinity: { podAntiAffinity, nodeAffinity: null } }, SELECTED, SELECTED, SELECTED],
  ['both', { affinity: { nodeAffinity: required }, tolerations: own }, 'nodeSelector', 'nodeSelector', 'nodeSelector'],
  // Server-side apply sets the whole node selector back.
  ['an empty node selector', { affinity: {}, nodeSelector: {} }, SELECTED, SELECTED, ''],
  ['node selector null', { affinity: {}, nodeSelector: null }, '', REJECTED, ''],
  ['a node selector', { affinity: {}, nodeSelector: os }, SELECTED, SELECTED, ''],
];

const WAYS = [
  ['apply after apply', ['apply'], ['apply'], 2],
  ['apply after create', ['create'], ['apply'], 3],
  ['server-side apply twice', ['apply', '--server-side'], ['apply', '--server-side'], 4],
] as const;

describe.each(WAYS)('%s', (way, first, second, column) => {
  test.each(CASES)('PL1 of a bare pod with %s', async (...row) => {
    const [why, spec] = row;
    const name = `${way} ${why}`.toLowerCase().replaceAll(/[^a-z]+/gu, '-');
    const manifest = pod(name, arm64Only, spec);
    await kubectl([...first, '-f', '-'], manifest);
    const constrained = constrainedBy(await getSpec(name));
    const { status, stdout } = await cluster.kubectl([...second, '-f', '-'], manifest);
    expect(status === 0 ? constrained : REJECTED).toBe(row[column]);
    expect(stdout).toMatch(status === 0 ? /configured|unchanged|serverside-applied/u : /^$/u);
    expect(constrainedBy(await getSpec(name))).toBe(constrained);
  });
});
