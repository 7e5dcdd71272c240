import { describe, expect, test } from '@jest/globals';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { inspectionOf, policyOf } from '../placement/fixtures/row.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { placePod } from '../placement/place-pod.ts';
import { node, without } from './fixtures/objects.ts';
import { isUnschedulable, relaxingHelps } from './unschedulable.ts';

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
  readonly expected: boolean;
}

// prettier-ignore
const ROWS: readonly Row[] = [
  { title: 'the other architecture has a ready node', expected: true },
  { title: 'its images support the preferred architecture only', platforms: 'linux/amd64', expected: false },
  { title: 'the other architecture has no ready node', nodes: [amd(), arm({ ready: false })], expected: false },
  { title: 'its node has a taint that the pod does not tolerate', nodes: [amd(), arm({ taints: [TEAM] })], expected: false },
  { title: 'its node has the taint of the architecture, tolerated by us then', nodes: [amd(), arm({ taints: [{ key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' }] })], expected: true },
  { title: 'the policy prefers nothing: it is where it can be', policy: { preference: undefined }, expected: false },
  { title: 'the policy only weighs: nothing is narrowed', policy: { preference: { architectures: ['amd64'], type: 'Prefer' } }, expected: false },
  { title: 'the policy allows nothing else', policy: { architectures: ['amd64'], preference: { architectures: ['amd64'] } }, expected: false },
  { title: 'its owner has chosen', spec: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } }, expected: false },
];

describe('whether dropping our preference would help', () => {
  test.each(ROWS)(
    'R9 $title',
    ({ platforms = 'linux/amd64 linux/arm64', policy = {}, spec = {}, nodes = [amd(), arm()], expected }) => {
      const input = {
        namespace: NAMESPACE,
        policy: policyOf({ preference: { architectures: ['amd64'] }, ...policy }),
        images: new Map([['a', inspectionOf(platforms)]]),
        nodes,
        nowMs: 0,
      };
      const raw: JsonObject = { metadata: METADATA, spec: { containers: [{ name: 'a', image: 'a' }], ...spec } };
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
      expect(relaxingHelps({ ...input, pod })).toBe(expected);
    },
  );
});

const ours = { 'archpolicy.dev/decision': JSON.stringify({ v: 1, kind: 'constrain', reason: 'Preferred', added: [] }) };
const unbound = (changes: Partial<PodFacts>): PodFacts =>
  without('nodeName', {
    annotations: ours,
    scheduled: { value: false, sinceMs: 0, reason: 'Unschedulable' },
    ...changes,
  });

test.each<[string, PodFacts, boolean]>([
  ['with our record, and Unschedulable', unbound({}), true],
  ['without our record', unbound({ annotations: {} }), false],
  ['behind a gate', unbound({ scheduled: { value: false, sinceMs: 0, reason: 'SchedulingGated' } }), false],
  [
    'with a gate of its own, whatever the condition says',
    unbound({ schedulingGates: ['kueue.x-k8s.io/admission'] }),
    false,
  ],
  ['not looked at by the scheduler yet', unbound({ scheduled: { value: false, sinceMs: 0 } }), false],
  ['being deleted', unbound({ deleting: true }), false],
  ['bound', { ...unbound({}), nodeName: 'amd64-1' }, false],
])('R9 a pod counts as one that we keep from nodes: %s', (_, pod, expected) => {
  expect(isUnschedulable(pod)).toBe(expected);
});
