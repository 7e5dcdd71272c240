import {
  applyPatch,
  decideGate,
  isJsonObject,
  patchFallbacks,
  objectAt,
  parseArchPolicy,
  parseNamespace,
  parseNode,
  placePod,
  textAt,
} from '@archpolicy/core';
import type {
  ArchPolicy,
  Json,
  JsonObject,
  JsonPatchOperation,
  PatchFallbacks,
  PlacementInput,
} from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { bodyOrThrow, PODS, resourcePath } from '@archpolicy/kube';
import type { ApiResponse, ApiClient } from '@archpolicy/kube';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { adminClient, applyAccounts, operatorClient, output } from './fixtures/clients.ts';
import { runsOn, unresolved } from './fixtures/scripted-inspector.ts';

const signal = new AbortController().signal;
const TERMS = '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms';

jest.setTimeout(60_000);

let cluster: TestCluster;
let api: ApiClient;
let admin: ApiClient;

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await applyAccounts(cluster.kubectl);
  // No controller makes it here, and pods need one.
  await output(cluster.kubectl, ['create', 'serviceaccount', 'default']);
  api = await operatorClient(cluster.kubectl);
  admin = adminClient(cluster.get('KUBECONFIG'));
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await Promise.all([api.close(), admin.close()]);
  await cluster.stop();
});

const zone = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] };
const byName = { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['gone'] }] };
const team = { matchExpressions: [{ key: 'team', operator: 'Exists' }] };
const required = (...nodeSelectorTerms: Json[]): JsonObject => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
});
const preferred = {
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference: zone }],
};
const spread = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
    ],
  },
};

/** So that tolerations are added. */
const TAINTED = ['amd64', 'arm64'].flatMap((arch) => {
  const taint = { key: 'kubernetes.io/arch', value: arch, effect: 'NoSchedule' };
  return (
    parseNode({ metadata: { name: arch, labels: { 'kubernetes.io/arch': arch } }, spec: { taints: [taint] } }) ?? []
  );
});

/** What owners write, and what others have made of it before the pod is gated. */
const SHAPES: readonly (readonly [why: string, spec: JsonObject])[] = [
  ['nothing of its own', {}],
  ['affinity without node affinity', { affinity: spread }],
  ['preferred node affinity only', { affinity: { nodeAffinity: preferred } }],
  ['one required term', { affinity: { nodeAffinity: required(zone) } }],
  [
    'required terms of every kind',
    { affinity: { ...spread, nodeAffinity: { ...required(zone, byName, team, {}), ...preferred } } },
  ],
  ['a term of fields alone', { affinity: { nodeAffinity: required(byName) } }],
  ['a node selector', { nodeSelector: { zone: 'a' } }],
  ['tolerations', { tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }] }],
  ['gates of others', { schedulingGates: [{ name: 'corp.example/quota' }] }],
];

interface Known {
  readonly why: string;
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly after: Readonly<Record<string, readonly string[]>>;
}

/** Which of the two images were known at admission, and what is known when the gate is lifted. */
const KNOWN: readonly Known[] = [
  {
    why: 'nothing known at admission',
    before: {},
    after: { web: ['linux/arm64'], db: ['linux/arm64', 'linux/amd64'] },
  },
  {
    why: 'one image known at admission, the other narrows further',
    before: { web: ['linux/arm64', 'linux/amd64'] },
    after: { web: ['linux/arm64', 'linux/amd64'], db: ['linux/arm64'] },
  },
  {
    why: 'one image known at admission, the other adds nothing',
    before: { web: ['linux/arm64'] },
    after: { web: ['linux/arm64'], db: ['linux/arm64', 'linux/amd64'] },
  },
];

const policy = parsedPolicy({ preference: { architectures: ['arm64'], type: 'Prefer' } });
const cases = SHAPES.flatMap(([shape, spec]) =>
  KNOWN.map(({ why, ...known }): [string, JsonObject, Omit<Known, 'why'>] => [`${shape}; ${why}`, spec, known]),
);

describe('PL12 every level is accepted by the API server, as our account and through our own fence', () => {
  test.each(cases)('PL12 %s', async (_, spec, { before, after }) => {
    const pod = await create(gated(spec, before));
    const fallbacks = planFallbacks(pod, after);
    expect(fallbacks.contradicted).toBe(false);
    for (const { level, operations } of fallbacks.patches) {
      const answer = await patch(pod, operations, { dryRun: 'All' });
      expect([level, answer.kind === 'ok' ? 'accepted' : answer.message]).toEqual([level, 'accepted']);
    }
    const lifted = await patch(pod, fallbacks.patches[0]!.operations);
    // What we computed is what the API server made of it.
    const expected = applyPatch(pod, fallbacks.patches[0]!.operations);
    expect(expected.kind).toBe('applied');
    if (expected.kind === 'applied' && isJsonObject(expected.value) && lifted.kind === 'ok') {
      expect(getSpec(lifted.body)).toEqual(getSpec(expected.value));
    }
  });
});

describe('PL12 what the patches rely on', () => {
  test('PL12 another version is 409, a failed test 422', async () => {
    const pod = await create(gated({}, {}));
    const [{ operations }] = planFallbacks(pod, { web: ['linux/arm64'], db: ['linux/arm64'] }).patches as [
      PatchFallbacks['patches'][0],
    ];
    await output(cluster.kubectl, ['annotate', 'pod', getName(pod), 'changed=yes']);
    expect(await patch(pod, operations)).toMatchObject({ kind: 'refused', status: 409 });
    const moved = operations.map((one) => (one.op === 'test' ? { ...one, value: 'corp.example/other' } : one));
    expect(await patch(pod, moved)).toMatchObject({ kind: 'refused', status: 422 });
  });

  test.each<[string, JsonObject, readonly JsonPatchOperation[]]>([
    ['a term more', { affinity: { nodeAffinity: required(zone) } }, [{ op: 'add', path: `${TERMS}/-`, value: team }]],
    [
      'an expression in an empty term',
      { affinity: { nodeAffinity: required({}, zone) } },
      [{ op: 'add', path: `${TERMS}/0/matchExpressions`, value: zone.matchExpressions }],
    ],
    [
      'an expression before the others',
      { affinity: { nodeAffinity: required(zone) } },
      [{ op: 'add', path: `${TERMS}/0/matchExpressions/0`, value: team.matchExpressions[0]! }],
    ],
    [
      'other values of an expression',
      { affinity: { nodeAffinity: required(zone) } },
      [{ op: 'remove', path: `${TERMS}/0/matchExpressions/0/values/0` }],
    ],
  ])('PL12 refused on a gated pod, so nothing else is tried: %s', async (_, spec, operations) => {
    const pod = await create(gated(spec, {}));
    expect(await patch(pod, operations)).toMatchObject({ kind: 'refused', status: 422 });
  });
});

/** The pod as our webhook would admit it: gated, with the requirement of its known images. */
function gated(spec: JsonObject, before: Known['before']): JsonObject {
  const pod: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'web-', namespace: 'default' },
    spec: {
      ...spec,
      automountServiceAccountToken: false,
      containers: ['web', 'db'].map((image) => ({ name: image, image })),
    },
  };
  const placed = placePod({ ...situation(pod, before), operation: 'CREATE', canGate: true });
  expect(placed.decision.kind).toBe('gate');
  const applied = applyPatch(pod, placed.patch);
  if (applied.kind === 'refused' || !isJsonObject(applied.value)) throw new Error('the patch does not apply');
  return applied.value;
}

function planFallbacks(pod: JsonObject, after: Known['after']): PatchFallbacks {
  const input = { ...situation(pod, after), nowMs: 0, waitedMs: 0 };
  const decided = decideGate(input);
  if (decided.kind === 'wait') throw new Error('it waits');
  const fallbacks = patchFallbacks({ ...input, ...decided });
  if (fallbacks === undefined) throw new Error('it is not gated');
  return fallbacks;
}

function situation(
  pod: JsonObject,
  known: Readonly<Record<string, readonly string[]>>,
): Omit<PlacementInput, 'operation' | 'canGate'> {
  const images = new Map(
    ['web', 'db'].map((image) => {
      const platforms = known[image];
      return [image, platforms === undefined ? unresolved('Deadline') : runsOn(...platforms)];
    }),
  );
  const namespaceFacts = parseNamespace({ metadata: { name: 'default' } });
  return { pod, namespace: 'default', namespaceFacts, policy, images, nodes: TAINTED };
}

async function create(pod: JsonObject): Promise<JsonObject> {
  const path = resourcePath(PODS, { namespace: 'default' });
  const body = bodyOrThrow(await admin.request({ method: 'POST', path, body: pod, signal }));
  return isJsonObject(body) ? body : {};
}

function patch(
  pod: JsonObject,
  operations: readonly JsonPatchOperation[],
  query: Readonly<Record<string, string>> = {},
): Promise<ApiResponse> {
  return api.request({
    method: 'PATCH',
    path: resourcePath(PODS, { namespace: 'default', name: getName(pod) }),
    query,
    contentType: 'application/json-patch+json',
    body: operations.map((operation) => ({ ...operation })),
    signal,
  });
}

function getName(pod: JsonObject): string {
  return textAt(objectAt(pod, 'metadata'), 'name') ?? '';
}

/** The API server writes no empty list. */
function getSpec(pod: Json): JsonObject {
  const spec = isJsonObject(pod) ? objectAt(pod, 'spec') : {};
  const { schedulingGates, ...rest } = spec as { readonly schedulingGates?: readonly Json[] } & JsonObject;
  return schedulingGates === undefined || schedulingGates.length === 0 ? rest : spec;
}

function parsedPolicy(spec: JsonObject): ArchPolicy {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec });
  if (parsed.kind === 'failed') throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}
