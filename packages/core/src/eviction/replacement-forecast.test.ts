import type { Labels } from '../kubernetes/labels.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { parseInspection, buildPolicy } from '../placement/fixtures/row.ts';
import { decidePlacement, placePod } from '../placement/place-pod.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import { IMAGE, node, pod } from './fixtures/objects.ts';
import { forecastReplacement } from './replacement-forecast.ts';
import { replacementPod } from './replacement-pod.ts';

const NAMESPACE = { name: 'shop', labels: {}, annotations: {} };
const ARCH = 'kubernetes.io/arch';
const AMD64 = { key: ARCH, operator: 'In', values: ['amd64'] } as const;
const ARM64 = { key: ARCH, operator: 'In', values: ['arm64'] } as const;
const ZONE = { key: 'zone', operator: 'In', values: ['a'] } as const;
const AFFINITY = '/spec/affinity/nodeAffinity';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

const ARCHITECTURES = ['arm64', 's390x'] as const;

const here = node({ labels: { ...node().labels, pool: 'amd' } });
const arm = (changes: Partial<NodeFacts> = {}): NodeFacts =>
  node({ name: 'arm64-1', architecture: 'arm64', ...changes });
const taint = (key: string): NodeFacts['taints'][number] => ({ key, value: 'arm64', effect: 'NoSchedule' });
const required = (...matchExpressions: readonly NodeSelectorRequirement[]): Partial<PodFacts> => ({
  requiredAffinity: { nodeSelectorTerms: [{ matchExpressions, matchFields: [] }] },
});
const forged = (annotation: string): Labels => ({ 'archpolicy.dev/decision': annotation });
const annotated = (added: Json): Labels =>
  forged(JSON.stringify({ v: 1, policy: 'default', kind: 'constrain', reason: 'ImagesSupport', terms: 1, added }));
const whole = (expression: Json): Json => ({
  path: '/spec/affinity',
  value: { nodeAffinity: { [REQUIRED]: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } } },
});
const into = (position: number, value: Json): Json => ({
  path: `${AFFINITY}/${REQUIRED}/nodeSelectorTerms/0/matchExpressions/${position}`,
  value,
});
const WINDOWS = { key: 'kubernetes.io/os', operator: 'In', values: ['windows'] } as const;
const onAmd64 = { nodeSelector: { [ARCH]: 'amd64' } };
const toleratesAll = { tolerations: [{ operator: 'Exists' }] };
const prefers = (...architectures: readonly string[]): JsonObject => ({ preference: { architectures } });

interface Row {
  readonly title: string;
  readonly other?: NodeFacts | null;
  readonly pod?: Partial<PodFacts>;
  readonly policy?: JsonObject;
  readonly image?: string;
  readonly expected: ReturnType<typeof forecastReplacement>;
}

// prettier-ignore
const ROWS: readonly Row[] = [
  { title: 'a ready node of its architecture', expected: 'right' },
  { title: 'no other node', other: null, expected: 'no-node' },
  { title: 'a node that is not ready', other: arm({ ready: false }), expected: 'no-node' },
  { title: 'a node that is cordoned', other: arm({ cordoned: true }), expected: 'no-node' },
  { title: 'another node of this architecture', other: node({ name: 'amd64-2' }), expected: 'no-node' },
  { title: 'a node of another OS', other: arm({ os: 'windows' }), expected: 'no-node' },
  { title: 'a node of the OS that a required term allows', other: arm({ os: 'windows' }), pod: { ...required(WINDOWS) }, image: 'windows/arm64', expected: 'right' },
  { title: 'a node whose label contradicts its report', other: arm({ labels: { [ARCH]: 'amd64' } }), expected: 'no-node' },
  { title: 'a taint that the pod does not tolerate', other: arm({ taints: [taint('team')] }), expected: 'no-node' },
  { title: 'a taint that it tolerates', other: arm({ taints: [taint('team')] }), pod: toleratesAll, expected: 'right' },
  { title: 'a taint without effect on scheduling', other: arm({ taints: [{ ...taint('team'), effect: 'PreferNoSchedule' }] }), expected: 'right' },
  { title: 'the taint of the architecture: ArchPolicy adds the toleration', other: arm({ taints: [taint(ARCH)] }), expected: 'right' },
  { title: 'the same, and the policy adds no toleration', other: arm({ taints: [taint(ARCH)] }), policy: { tolerateArchitectureTaints: false }, expected: 'no-node' },
  { title: 'a preference that its image does not support', policy: prefers('amd64'), expected: 'right' },
  { title: 'the policy is in Audit: treated as Enforce', policy: { mode: 'Audit' }, expected: 'right' },
  { title: 'no other node, and an autoscaler adds one', other: null, policy: { scaleFromZero: ['arm64'] }, expected: 'from-zero' },
  { title: 'a ready node of its architecture, and an autoscaler adds more', policy: { scaleFromZero: ['arm64'] }, expected: 'right' },
  { title: 'a node with a taint, and an autoscaler adds another', other: arm({ taints: [taint('team')] }), policy: { scaleFromZero: ['arm64'] }, expected: 'from-zero' },
  { title: 'an autoscaler that adds another architecture', other: null, policy: { scaleFromZero: ['s390x'] }, expected: 'no-node' },
  { title: 'a preferred architecture that an autoscaler adds, and a node that could take it', policy: { scaleFromZero: ['s390x'], ...prefers('s390x') }, image: 'linux/arm64 linux/s390x', expected: 'from-zero' },
  { title: 'its own node by name, which no autoscaler adds', other: null, policy: { scaleFromZero: ['arm64'] }, pod: { nodeSelector: { pool: 'amd' } }, expected: 'no-node' },
  { title: 'its owner chose the architecture of its node', pod: onAmd64, expected: 'same-node' },
  { title: 'the same, with an arbitrary annotation', pod: { ...onAmd64, annotations: annotated([{ path: '/spec/nodeSelector', value: onAmd64.nodeSelector }]) }, expected: 'same-node' },
  { title: 'the same by a required term', pod: required(AMD64), expected: 'same-node' },
  { title: 'the same, with an invalid annotation', pod: { ...required(AMD64), annotations: forged('{}') }, expected: 'same-node' },
  { title: 'the same, with an annotation that names no addition', pod: { ...required(AMD64), annotations: annotated([]) }, expected: 'same-node' },
  { title: 'the same, with an annotation that names another addition', pod: { ...required(AMD64), annotations: annotated([whole(ARM64)]) }, expected: 'same-node' },
  { title: 'the same, with an annotation that names it as a preference', pod: { ...required(AMD64), annotations: annotated([{ path: `${AFFINITY}/preferred/0`, value: AMD64 }]) }, expected: 'same-node' },
  { title: 'ArchPolicy once chose its architecture: that is decided again', pod: { ...required(AMD64), annotations: annotated([whole(AMD64)]) }, expected: 'right' },
  { title: 'ArchPolicy once chose another: it was bound against it', pod: { ...required(ARM64), annotations: annotated([whole(ARM64)]) }, expected: 'right' },
  { title: 'its owner chose the right one, and it was bound against it', pod: required(ARM64), expected: 'right' },
  { title: 'ArchPolicy once added to a term of its owner that the node satisfies', other: arm({ labels: { [ARCH]: 'arm64', zone: 'a' } }), pod: { ...required(ZONE, AMD64), annotations: annotated([into(1, AMD64)]) }, expected: 'right' },
  { title: 'ArchPolicy once added to a term of its owner that the node does not satisfy', pod: { ...required(ZONE, AMD64), annotations: annotated([into(1, AMD64)]) }, expected: 'no-node' },
  { title: 'an annotation that names its owner’s other choices', pod: { ...required(ZONE), annotations: annotated([into(0, ZONE)]) }, expected: 'no-node' },
  { title: 'it is pinned to nodes by their names', pod: { requiredAffinity: { nodeSelectorTerms: [{ matchExpressions: [], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['amd64-1'] }] }] } }, expected: 'same-node' },
  { title: 'more tolerations than placement reads', pod: { tolerations: Array.from({ length: 300 }, (_, index) => ({ key: `k${index}` })) }, expected: 'same-node' },
];

describe('where a replacement would be placed', () => {
  test.each(ROWS)('R4 $title', ({ other = arm(), pod: changes = {}, policy = {}, image = 'linux/arm64', expected }) => {
    const input = {
      pod: pod(changes),
      namespace: NAMESPACE,
      policy: buildPolicy(policy),
      images: new Map([[IMAGE, parseInspection(image)]]),
      nodes: other === null ? [here] : [here, other],
      nowMs: 0,
    };
    expect(
      forecastReplacement(
        input,
        here,
        ARCHITECTURES.filter((one) => image.includes(one)),
      ),
    ).toBe(expected);
  });
});

const expression = fc.record({
  key: fc.constantFrom(ARCH, 'zone'),
  operator: fc.constantFrom('In', 'NotIn', 'Exists'),
  values: fc.constantFrom(['amd64'], ['arm64'], ['amd64', 'arm64'], ['a']),
});
const term = fc.array(expression, { minLength: 1, maxLength: 2 }).map((all) => ({
  matchExpressions: all.map(({ values, ...one }) => (one.operator === 'Exists' ? one : { ...one, values })),
}));
const spec = fc.record(
  {
    containers: fc.constantFrom(
      [{ name: 'a', image: 'a' }],
      [
        { name: 'a', image: 'a' },
        { name: 'b', image: 'b' },
      ],
    ),
    nodeSelector: fc.constantFrom({}, { zone: 'a' }, { [ARCH]: 'arm64' }),
    tolerations: fc.constantFrom(
      [],
      [{ operator: 'Exists' }],
      [{ key: 'x', effect: 'NoExecute', tolerationSeconds: 300 }],
    ),
    volumes: fc.constantFrom([], [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]),
    affinity: fc
      .array(term, { minLength: 1, maxLength: 2 })
      .map((nodeSelectorTerms) => ({ nodeAffinity: { [REQUIRED]: { nodeSelectorTerms } } })),
  },
  { requiredKeys: ['containers'] },
);
const policies = fc.constantFrom<JsonObject>(
  {},
  prefers('amd64'),
  { preference: { architectures: ['arm64'], type: 'Prefer' } },
  { tolerateArchitectureTaints: false },
);
const images = fc.constantFrom('linux/amd64', 'linux/arm64', 'linux/amd64 linux/arm64');

test('R4 the stored facts of a pod lead to the same placement of its replacement as the whole pod', () => {
  fc.assert(
    fc.property(spec, policies, images, images, fc.boolean(), (theSpec, thePolicy, a, b, isPlaced) => {
      const raw: JsonObject = { metadata: { ...IDENTITY, labels: { app: 'web' } }, spec: theSpec };
      const input = {
        namespace: 'shop',
        namespaceFacts: NAMESPACE,
        policy: buildPolicy(thePolicy),
        operation: 'CREATE',
        canGate: true,
        images: new Map([
          ['a', parseInspection(a)],
          ['b', parseInspection(b)],
        ]),
        nodes: [here, arm()],
        nowMs: 0,
      };
      const placed = isPlaced ? applyPatch(raw, placePod({ ...input, pod: raw }).patch) : undefined;
      const whole = placed?.kind === 'applied' ? (placed.value as JsonObject) : raw;
      const facts = parsePod(whole);
      if (facts === undefined) throw new Error('no pod');
      expect(decidePlacement({ ...input, pod: replacementPod(facts) })).toEqual(
        decidePlacement({ ...input, pod: whole }),
      );
    }),
  );
});

const IDENTITY = {
  namespace: 'shop',
  name: 'web-5d4f-x1',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs', controller: true }],
};
