import { describe, expect, test } from '@jest/globals';
import { getLabel, objectAt, stringMapAt } from '../json/read.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { decidePlacement, placePod } from '../placement/place-pod.ts';
import { parseDecision } from '../placement/annotation.ts';
import type { Row } from '../placement/fixtures/row.ts';
import { ANNOTATION_DECISION, GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import { decideGate } from './decide.ts';
import { admitPod, formatConstraints, gatedInput } from './fixtures/gated-pod.ts';
import { gateOnly, patchFallbacks } from './lift.ts';
import { isGated } from '../pod/gate.ts';
import type { PatchFallbacks } from './lift.ts';

const slow: Row = { images: { web: 'unresolved Deadline' } };
const arm = { web: 'linux/arm64' };
const both = { web: 'linux/amd64 linux/arm64' };
const TAINTED: Row['nodes'] = ['amd64', { arch: 'arm64', taints: ['kubernetes.io/arch=arm64:NoSchedule'] }];
const required = (...nodeSelectorTerms: JsonObject[]): JsonObject => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const zone = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] };

function patched(pod: JsonObject, { patches }: PatchFallbacks): Record<string, JsonObject> {
  return Object.fromEntries(
    patches.map(({ level, operations }) => {
      const applied = applyPatch(pod, operations);
      if (applied.kind === 'refused' || !isJsonObject(applied.value)) throw new Error(`${level} does not apply`);
      return [level, applied.value];
    }),
  );
}

function lift(row: Row, later: Readonly<Record<string, string>>, waitedMs = 1_000, now: Row = row): Lifted {
  const input = gatedInput(row, later, { waitedMs, now });
  const decided = decideGate(input);
  if (decided.kind === 'wait') throw new Error('the pod still waits');
  const fallbacks = patchFallbacks({ ...input, ...decided });
  if (fallbacks === undefined) throw new Error('the pod has no gate');
  return { pod: input.pod, fallbacks, after: patched(input.pod, fallbacks) };
}

interface Lifted {
  readonly pod: JsonObject;
  readonly fallbacks: PatchFallbacks;
  readonly after: Readonly<Record<string, JsonObject>>;
}

const EXCLUDED = 'arch NotIn arm loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x';

interface Case {
  readonly why: string;
  readonly row?: Row;
  readonly later?: Readonly<Record<string, string>>;
  readonly now?: Row;
  readonly waitedMs?: number;
  /** The constraints of the pod after each level. */
  readonly then: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = [
  {
    why: 'required affinity is set where there was none; then without the annotation; then the gate alone',
    later: arm,
    then: { full: 'needs arch In arm64; tolerates arm64', requirements: 'needs arch In arm64', gate: '' },
  },
  {
    why: 'preferences and tolerations are only on the first level',
    row: { ...slow, policy: { preference: { architectures: ['arm64'], type: 'Prefer', weight: 40 } } },
    later: both,
    then: {
      full: 'needs arch In amd64 arm64; prefers 40 arch In arm64; tolerates amd64 arm64',
      requirements: 'needs arch In amd64 arm64',
      gate: '',
    },
  },
  {
    why: 'a required preference is dropped with its toleration: all nodes that it selects may need the toleration',
    row: { ...slow, policy: { preference: { architectures: ['arm64'] } }, nodes: TAINTED },
    later: both,
    then: { full: 'needs arch In arm64; tolerates arm64', requirements: 'needs arch In amd64 arm64', gate: '' },
  },
  {
    why: 'also dropped: a preference for nodes that an autoscaler brings, which may have the taint',
    row: {
      ...slow,
      policy: { preference: { architectures: ['arm64'] }, scaleFromZero: ['arm64'] },
      nodes: ['amd64'],
    },
    later: both,
    then: { full: 'needs arch In arm64; tolerates arm64', requirements: 'needs arch In amd64 arm64', gate: '' },
  },
  {
    why: 'also dropped: the preference of the pod or the namespace, because the pod must run',
    row: { ...slow, metadata: { labels: { 'archpolicy.dev/preferred': 'arm64' } }, nodes: TAINTED },
    later: both,
    then: { full: 'needs arch In arm64; tolerates arm64', requirements: 'needs arch In amd64 arm64', gate: '' },
  },
  {
    why: 'what the images require is kept, even if only tainted nodes have it: elsewhere the pod would crash',
    row: { ...slow, nodes: TAINTED },
    later: arm,
    then: { full: 'needs arch In arm64; tolerates arm64', requirements: 'needs arch In arm64', gate: '' },
  },
  {
    why: 'expressions are appended to each term, after those of the owner',
    row: {
      ...slow,
      pod: required(zone, { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n'] }] }),
    },
    later: arm,
    then: {
      full: 'needs zone In a & arch In arm64 | arch In arm64 & metadata.name NotIn n; tolerates arm64',
      requirements: 'needs zone In a & arch In arm64 | arch In arm64 & metadata.name NotIn n',
      gate: 'needs zone In a | metadata.name NotIn n',
    },
  },
  {
    why: 'an empty term stays empty',
    row: { ...slow, pod: required({}, zone) },
    later: arm,
    then: {
      full: 'needs nothing | zone In a & arch In arm64; tolerates arm64',
      requirements: 'needs nothing | zone In a & arch In arm64',
      gate: 'needs nothing | zone In a',
    },
  },
  {
    why: 'another In is appended to the one that admission added for the resolved image',
    row: { images: { web: 'linux/amd64 linux/arm64', db: 'unresolved Deadline' }, pod: { ...required(zone) } },
    later: { ...both, db: 'linux/arm64' },
    then: {
      full: 'needs zone In a & arch In amd64 arm64 & arch In arm64; tolerates arm64',
      requirements: 'needs zone In a & arch In amd64 arm64 & arch In arm64',
      gate: 'needs zone In a & arch In amd64 arm64',
    },
  },
  {
    why: 'another In is appended where admission set required affinity',
    row: { images: { web: 'linux/amd64 linux/arm64', db: 'unresolved Deadline' } },
    later: { ...both, db: 'linux/arm64' },
    then: {
      full: 'needs arch In amd64 arm64 & arch In arm64; tolerates arm64',
      requirements: 'needs arch In amd64 arm64 & arch In arm64',
      gate: 'needs arch In amd64 arm64',
    },
  },
  {
    why: 'the preference is appended to what admission excluded for the resolved image, as nodes without the label match',
    row: {
      images: { web: 'linux/amd64 linux/arm64', db: 'unresolved Deadline' },
      policy: { preference: { architectures: ['arm64'] } },
      nodes: ['amd64', 'arm64', { arch: '', name: 'virtual' }],
    },
    later: { ...both, db: 'linux/amd64 linux/arm64' },
    then: {
      full: `needs ${EXCLUDED} & arch In arm64`,
      gate: `needs ${EXCLUDED}`,
    },
  },
  {
    why: 'what admission already required is not added again',
    row: { images: { web: 'linux/arm64', db: 'unresolved Deadline' } },
    later: { web: 'linux/arm64', db: 'linux/arm64' },
    then: { full: 'needs arch In arm64; tolerates arm64', gate: 'needs arch In arm64' },
  },
  {
    why: 'requirements that contradict those of admission are not added: no node would match the pod',
    row: { images: { web: 'linux/amd64', db: 'unresolved Deadline' } },
    later: { web: 'linux/arm64', db: 'linux/arm64' },
    then: { full: 'needs arch In amd64', gate: 'needs arch In amd64' },
  },
  {
    why: 'other gates are kept, at any position',
    row: { ...slow, pod: { schedulingGates: [{ name: 'corp.example/quota' }] } },
    later: arm,
    then: {
      full: 'needs arch In arm64; tolerates arm64; gates corp.example/quota',
      requirements: 'needs arch In arm64; gates corp.example/quota',
      gate: 'gates corp.example/quota',
    },
  },
  {
    why: 'a pod to which nothing is added loses the annotation with the gate',
    later: { web: 'unresolved NotFound' },
    then: { full: '', gate: '' },
  },
  {
    why: 'after the timeout, what admission required for the resolved image is kept',
    row: { images: { web: 'linux/arm64', db: 'unresolved Deadline' } },
    later: arm,
    waitedMs: 60_000,
    then: { full: 'needs arch In arm64', gate: 'needs arch In arm64' },
  },
  {
    why: 'without a policy, what admission required is kept, because it cannot be removed',
    row: { images: { web: 'linux/arm64', db: 'unresolved Deadline' } },
    now: { policy: null },
    then: { full: 'needs arch In arm64', gate: 'needs arch In arm64' },
  },
];

describe('PL12 the patches, best first', () => {
  test.each(cases.map((row): [string, Case] => [row.why, row]))(
    'PL12 %s',
    (_, { row = slow, now, waitedMs, ...rest }) => {
      const { after } = lift(row, rest.later ?? {}, waitedMs, now ?? row);
      expect(Object.fromEntries(Object.entries(after).map(([level, pod]) => [level, formatConstraints(pod)]))).toEqual(
        rest.then,
      );
    },
  );

  test('PL12 each patch locks on the version, tests the name of the gate at its index and removes it', () => {
    const { fallbacks } = lift({ ...slow, pod: { schedulingGates: [{ name: 'corp.example/quota' }] } }, arm);
    for (const { operations } of fallbacks.patches) {
      expect(operations.slice(0, 3)).toEqual([
        { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
        { op: 'test', path: '/spec/schedulingGates/1/name', value: GATE_INSPECTING },
        { op: 'remove', path: '/spec/schedulingGates/1' },
      ]);
    }
    expect(fallbacks.patches.at(-1)?.operations).toHaveLength(3);
  });

  test('PL12 only the gate and the decision annotation are replaced or removed', () => {
    const annotation = '/metadata/annotations/archpolicy.dev~1decision';
    for (const { row = slow, later = {}, waitedMs, now } of cases) {
      const { fallbacks } = lift(row, later, waitedMs, now ?? row);
      const operations = fallbacks.patches.flatMap((level) => level.operations.slice(3));
      expect(operations.filter(({ op, path }) => op !== 'add' && path !== annotation)).toEqual([]);
    }
  });

  test('PL12 a contradiction is reported', () => {
    const row: Row = { images: { web: 'linux/amd64', db: 'unresolved Deadline' } };
    expect(lift(row, { web: 'linux/arm64', db: 'linux/arm64' }).fallbacks.contradicted).toBe(true);
    expect(lift(row, { web: 'linux/amd64', db: 'linux/amd64' }).fallbacks.contradicted).toBe(false);
  });

  test.each<[string, JsonObject]>([
    ['another gate', { metadata: { resourceVersion: '1' }, spec: { schedulingGates: [{ name: 'other' }] } }],
    ['no gate', { metadata: { resourceVersion: '1' }, spec: {} }],
    ['no version to lock on', { metadata: {}, spec: { schedulingGates: [{ name: GATE_INSPECTING }] } }],
    ['gates of another shape', { metadata: { resourceVersion: '1' }, spec: { schedulingGates: 'all' } }],
  ])('PL12 no patch: %s', (_, pod) => {
    const decision = { kind: 'leave', reason: 'NoPolicy', unresolved: [], warnings: [] } as const;
    expect(
      patchFallbacks({ pod, decision, withoutTolerations: decision, policy: undefined, images: new Map() }),
    ).toBeUndefined();
    expect(gateOnly(pod)).toBeUndefined();
  });

  test('PL12 a pod whose decision failed gets the last level', () => {
    const pod = admitPod(slow);
    expect(gateOnly(pod)?.patches.map(({ level }) => level)).toEqual(['gate']);
  });
});

describe('the decision annotation of a lifted pod', () => {
  const getDecisionAnnotation = (pod: JsonObject): string | undefined =>
    getLabel(stringMapAt(objectAt(pod, 'metadata'), 'annotations'), ANNOTATION_DECISION);
  const row: Row = { images: { web: 'linux/amd64 linux/arm64', db: 'unresolved Deadline' }, pod: required(zone) };
  const later = { ...both, db: 'linux/arm64' };

  test('PL2 PL12 it lists all that admission and the operator added', () => {
    const { after, pod } = lift(row, later);
    const lifted = after['full']!;
    expect(parseDecision(getDecisionAnnotation(lifted)!)).toMatchObject({
      kind: 'record',
      record: { kind: 'constrain', reason: 'ImagesSupport', architectures: ['arm64'], policy: 'default' },
    });
    // A new decision about the lifted pod reverts both additions: other images lead to another result.
    const input = {
      ...gatedInput(row, { web: 'linux/amd64', db: 'linux/amd64' }),
      operation: 'CREATE',
      canGate: false,
    };
    const { patch } = placePod({ ...input, pod: lifted });
    const replaced = applyPatch(lifted, patch);
    if (replaced.kind === 'refused') throw new Error('the patch does not apply');
    expect(formatConstraints(replaced.value as JsonObject)).toBe('needs zone In a & arch In amd64; tolerates amd64');
    expect(isGated(pod)).toBe(true);
    expect(isGated(lifted)).toBe(false);
  });

  test('PL2 a second decision about a lifted pod with the same images changes nothing that matters', () => {
    const lifted = lift(row, later).after['full']!;
    const input = { ...gatedInput(row, later), operation: 'CREATE', canGate: false };
    expect(decidePlacement({ ...input, pod: lifted })).toMatchObject({ kind: 'constrain', architectures: ['arm64'] });
  });

  test.each<[string, Row, Readonly<Record<string, string>>, string | undefined]>([
    ['no addition is left', slow, { web: 'unresolved NotFound' }, undefined],
    [
      'an addition of admission is left',
      { images: { web: 'linux/arm64', db: 'unresolved Deadline' } },
      { ...arm, db: 'unresolved NotFound' },
      'PartlyKnown',
    ],
  ])('PL12 after lifting without an addition: %s', (_, at, now, reason) => {
    const annotation = getDecisionAnnotation(lift(at, now).after['full']!);
    const parsed = annotation === undefined ? undefined : parseDecision(annotation);
    expect(parsed?.kind === 'record' ? parsed.record.reason : undefined).toBe(reason);
  });

  test('PL12 a forged annotation is replaced', () => {
    const input = gatedInput(slow, arm);
    const decided = decideGate(input);
    if (decided.kind === 'wait') throw new Error('the pod still waits');
    for (const annotations of [undefined, { [ANNOTATION_DECISION]: '{"v":1' }, { note: 'x' }]) {
      const pod = {
        ...input.pod,
        metadata: { name: 'app', resourceVersion: '9', ...(annotations && { annotations }) },
      };
      const fallbacks = patchFallbacks({ ...input, ...decided, pod })!;
      expect(parseDecision(getDecisionAnnotation(patched(pod, fallbacks)['full']!)!).kind).toBe('record');
    }
  });
});
