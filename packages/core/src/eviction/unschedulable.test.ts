import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { podRequests } from '../kubernetes/requests.ts';
import { parseInspection, buildPolicy } from '../placement/fixtures/row.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { placePod } from '../placement/place-pod.ts';
import { archPolicyStatusSchema } from '../policy/status.ts';
import { node, without } from './fixtures/objects.ts';
import { isUnschedulable, relaxingHelps, reservedBy, stuckWorkload, unschedulableAfterMs } from './unschedulable.ts';

const NAMESPACE = { name: 'shop', labels: {}, annotations: {} };
const METADATA = {
  namespace: 'shop',
  name: 'a',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const amd = (changes: Partial<NodeFacts> = {}): NodeFacts => node(changes);
const arm = (changes: Partial<NodeFacts> = {}): NodeFacts =>
  node({ name: 'arm64-1', architecture: 'arm64', ...changes });
const TEAM = { key: 'team', value: 'a', effect: 'NoSchedule' } as const;

interface Row {
  readonly title: string;
  readonly platforms?: string;
  readonly policy?: JsonObject;
  readonly spec?: JsonObject;
  readonly nodes?: readonly NodeFacts[];
  /** CPUs that are requested on the arm64 node. */
  readonly taken?: string;
  /** The scheduler's message. */
  readonly message?: string;
  readonly expected: boolean;
}

const WITH_FOUR = { allocatable: { cpu: 4_000, memory: 1e15, pods: 110_000 } };
const asking = (cpu: string, more: JsonObject = {}): JsonObject => ({
  containers: [{ name: 'a', image: 'a', resources: { requests: { cpu, ...more } } }],
});

// prettier-ignore
const ROWS: readonly Row[] = [
  { title: 'the other architecture has a ready node', expected: true },
  { title: 'its images support the preferred architecture only', platforms: 'linux/amd64', expected: false },
  { title: 'the other architecture has no ready node', nodes: [amd(), arm({ ready: false })], expected: false },
  { title: 'its node has a taint that the pod does not tolerate', nodes: [amd(), arm({ taints: [TEAM] })], expected: false },
  { title: 'its node has the taint of the architecture, which ArchPolicy then tolerates', nodes: [amd(), arm({ taints: [{ key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' }] })], expected: true },
  { title: 'the policy has no preference', policy: { preference: undefined }, expected: false },
  { title: 'the policy only adds a weight: the pod is not constrained', policy: { preference: { architectures: ['amd64'], type: 'Prefer' } }, expected: false },
  { title: 'the policy allows nothing else', policy: { architectures: ['amd64'], preference: { architectures: ['amd64'] } }, expected: false },
  { title: 'the other node has room for it', spec: asking('2'), nodes: [amd(), arm(WITH_FOUR)], taken: '2', expected: true },
  { title: 'it requests more than is free on the other node', spec: asking('2'), nodes: [amd(), arm(WITH_FOUR)], taken: '3', expected: false },
  { title: 'it requests more than any node has', spec: asking('1000'), nodes: [amd(WITH_FOUR), arm(WITH_FOUR)], expected: false },
  { title: 'it requests a GPU that only future nodes have', spec: asking('1', { 'nvidia.com/gpu': '1' }), nodes: [amd(WITH_FOUR), arm(WITH_FOUR)], expected: false },
  { title: 'a claim is missing whose name contains “affinity”: no node would help', message: '0/2 nodes are available: persistentvolumeclaim "session-affinity-data" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.', expected: false },
  { title: 'its claim is not bound: no node would help', message: '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.', expected: false },
  { title: 'its claim does not exist', message: '0/2 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.', expected: false },
  { title: 'no node remains that its volumes allow, and the message also names affinity', message: "0/2 nodes are available: 1 node(s) didn't find available persistent volumes to bind, 1 node(s) didn't match Pod's node affinity/selector.", expected: true },
  { title: 'its volume is on the other node', message: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had volume node affinity conflict. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.", expected: true },
  { title: 'the message of another version about devices excludes nothing', message: '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: none.', expected: true },
  { title: 'the message of another scheduler has another format', message: 'cannot schedule this pod', expected: true },
  { title: 'the other node has no architecture label, and stays open to a pod without a preference', nodes: [amd(), amd({ name: 'virtual', labels: {} })], expected: true },
  { title: 'that node has a taint that the pod does not tolerate', nodes: [amd(), amd({ name: 'virtual', labels: {}, taints: [TEAM] })], expected: false },
  { title: 'its owner has chosen', spec: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } }, expected: false },
];

describe('whether dropping the preference would help', () => {
  test.each(ROWS)(
    'R9 $title',
    ({
      platforms = 'linux/amd64 linux/arm64',
      policy = {},
      spec = {},
      nodes = [amd(), arm()],
      taken,
      message,
      expected,
    }) => {
      const input = {
        namespace: NAMESPACE,
        policy: buildPolicy({ preference: { architectures: ['amd64'] }, ...policy }),
        images: new Map([['a', parseInspection(platforms)]]),
        nodes,
        nowMs: 0,
      };
      const conditions =
        message === undefined ? [] : [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
      const raw: JsonObject = {
        metadata: METADATA,
        spec: { containers: [{ name: 'a', image: 'a' }], ...spec },
        status: { conditions },
      };
      const boundPods = [
        { phase: 'Running' as const, requests: podRequests(asking(taken ?? '0')) },
        { phase: 'Succeeded' as const, requests: podRequests(asking('99')) },
      ];
      const { patch } = placePod({
        ...input,
        pod: raw,
        namespace: 'shop',
        namespaceFacts: NAMESPACE,
        operation: 'CREATE',
        canGate: true,
      });
      const placed = applyPatch(raw, patch);
      const pod = placed.kind === 'applied' ? parsePod(placed.value as JsonObject) : undefined;
      if (pod === undefined) throw new Error('no pod');
      expect(relaxingHelps({ ...input, pod, reservedOn: () => reservedBy(boundPods) })).toBe(expected);
    },
  );
});

const decision = {
  'archpolicy.dev/decision': JSON.stringify({ v: 1, kind: 'constrain', reason: 'Preferred', added: [] }),
};
const unbound = (changes: Partial<PodFacts>): PodFacts =>
  without('nodeName', {
    annotations: decision,
    scheduled: { value: false, sinceMs: 0, reason: 'Unschedulable' },
    ...changes,
  });

test.each<[string, PodFacts, boolean]>([
  ['with a decision of ArchPolicy, and Unschedulable', unbound({}), true],
  ['without a decision of ArchPolicy', unbound({ annotations: {} }), false],
  ['behind a gate', unbound({ scheduled: { value: false, sinceMs: 0, reason: 'SchedulingGated' } }), false],
  ['with another gate', unbound({ schedulingGates: ['kueue.x-k8s.io/admission'] }), false],
  ['not tried by the scheduler yet', unbound({ scheduled: { value: false, sinceMs: 0 } }), false],
  ['being deleted', unbound({ deleting: true }), false],
  ['bound', { ...unbound({}), nodeName: 'amd64-1' }, false],
])('R9 whether a pod is unschedulable: %s', (_, pod, expected) => {
  expect(isUnschedulable(pod)).toBe(expected);
});

/** Required terms for these architectures. */
const arch = (...values: readonly string[]): NonNullable<PodFacts['requiredAffinity']> => ({
  nodeSelectorTerms: [
    { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: [...values] }], matchFields: [] },
  ],
});
/** The decision annotation, which tenants can forge. */
const claims = (...architectures: readonly string[]): PodFacts['annotations'] => ({
  'archpolicy.dev/decision': JSON.stringify({ v: 1, kind: 'constrain', reason: 'Preferred', architectures, added: [] }),
});

describe('how long a pod may be unschedulable', () => {
  const minutes = (pod: Partial<PodFacts>, policy: JsonObject = {}): number =>
    unschedulableAfterMs(unbound(pod), buildPolicy(policy).spec) / 60_000;
  const zero = { scaleFromZero: ['arm64'] };
  const [amd64, arm64, both] = [arch('amd64'), arch('arm64'), arch('amd64', 'arm64')].map((requiredAffinity) => ({
    requiredAffinity,
  }));

  // prettier-ignore
  test.each<[string, number, number, string]>([
    ['R9 any pod', minutes({}), 2, 'rollouts and autoscalers need some time'],
    ['R9 a pod for which the scheduler preempts others', minutes({ nominated: true }), 10, 'the pods that it preempts need their grace period'],
    ['R9 a pod that is constrained to an architecture of scaleFromZero', minutes({ ...arm64 }, zero), 10, 'its node is starting'],
    ['R9 the same, with a wait that the policy sets', minutes({ ...arm64 }, { ...zero, scaleFromZeroWait: '20m' }), 20, 'GPU nodes take longer'],
    ['R9 the same, and the scheduler preempts others for it', minutes({ ...arm64, nominated: true }, { ...zero, scaleFromZeroWait: '5m' }), 10, 'the longer one'],
    ['R9 a pod that is constrained to two, one of them of scaleFromZero', minutes({ ...both }, zero), 10, 'its node may be starting'],
    ['R9 a pod that is constrained to another architecture', minutes({ ...amd64 }, zero), 2, 'no node of it is being added'],
    ['R9 a pod that allows every architecture', minutes({}, zero), 2, 'it does not wait for a certain one'],
    ['R9 the same, but its annotation names one of scaleFromZero', minutes({ annotations: claims('arm64') }, zero), 2, 'tenants can write the annotation'],
    ['R9 a pod that is constrained to amd64, but its annotation names arm64', minutes({ ...amd64, annotations: claims('arm64') }, zero), 2, 'the same'],
    ['R9 a pod that is constrained to arm64, but its annotation names none', minutes({ ...arm64, annotations: claims() }, zero), 10, 'the same'],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('the architecture of a stuck workload', () => {
  const readArchitecture = (changes: Partial<PodFacts>): string | undefined =>
    stuckWorkload(without('nodeName', { annotations: claims('arm64'), ...changes })).architecture;

  // prettier-ignore
  test.each<[string, Partial<PodFacts>, string | undefined]>([
    ['its required terms allow one', { requiredAffinity: arch('amd64') }, 'amd64'],
    ['the annotation was emptied', { requiredAffinity: arch('amd64'), annotations: claims() }, 'amd64'],
    ['the annotation names several', { requiredAffinity: arch('amd64'), annotations: claims('amd64', 'arm64') }, 'amd64'],
    ['its terms allow several', { requiredAffinity: arch('amd64', 'arm64') }, undefined],
    ['its selector excludes all but one', { requiredAffinity: arch('amd64', 'arm64'), nodeSelector: { 'kubernetes.io/arch': 'arm64' } }, 'arm64'],
    ['it has no terms', {}, undefined],
  ])('R9 is what the pod requires, not what its annotation names: %s', (_, changes, expected) => {
    expect(readArchitecture(changes)).toBe(expected);
  });
});

describe('the workload of a stuck pod', () => {
  const ofOwner = (kind: string, name: string): PodFacts | undefined =>
    parsePod({
      metadata: {
        namespace: 'n'.repeat(63),
        name: 'a',
        uid: 'u',
        resourceVersion: '1',
        creationTimestamp: '2026-01-01T12:00:00Z',
        ownerReferences: [{ apiVersion: 'example.org/v1', kind, name, uid: 'o', controller: true }],
      },
    });

  test('R9 fits into the status with any owner reference: one invalid entry would invalidate all others', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, size: 'large' }), fc.nat(400), (text, repeated) => {
        const pod = ofOwner(text, text.repeat(repeated + 1));
        if (pod === undefined) throw new Error('the pod was not parsed');
        const relaxed = [{ owner: stuckWorkload(pod).workload }];
        expect(archPolicyStatusSchema.safeParse({ relaxed }).success).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
