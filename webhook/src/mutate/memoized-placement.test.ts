import { describe, expect, test } from '@jest/globals';
import { parseArchPolicy } from '@archpolicy/core';
import type { ArchPolicy, Inspection, JsonObject, NodeFacts, PlacementInput, Platform } from '@archpolicy/core';
import fc from 'fast-check';
import { container, pod } from '../fixtures/reviews.ts';
import { corePlacement } from './placement.ts';
import type { PlacedPod, Placement } from './ports.ts';
import { MemoizedPlacement } from './memoized-placement.ts';

const policy = (spec: JsonObject, status: JsonObject = {}): ArchPolicy => {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec, status });
  if (parsed.kind === 'failed') throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
};

const node = (architecture: string, ready = true): NodeFacts => ({
  name: architecture,
  uid: architecture,
  labels: { 'kubernetes.io/arch': architecture },
  taints: [],
  ready,
  cordoned: false,
  architecture,
  os: 'linux',
});

const BOTH: readonly Platform[] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
];
const resolved = (digit: string, platforms = BOTH, source: 'memory' | 'registry' = 'memory'): Inspection => ({
  kind: 'resolved',
  facts: { digest: `sha256:${digit.repeat(64)}`, platforms, neutral: false },
  source,
  ageMs: 0,
});
/** The registry no longer has what the index lists for this architecture. */
const lacking = (architecture: 'amd64' | 'arm64'): Inspection => {
  const missing = [{ os: 'linux', architecture, sinceMs: 0 }];
  const facts = { digest: `sha256:${'1'.repeat(64)}`, platforms: BOTH, neutral: false, missing };
  return { kind: 'resolved', facts, source: 'memory', ageMs: 0 };
};
const unresolved = (retryAtMs: number): Inspection => ({ kind: 'unresolved', reason: 'RateLimited', retryAtMs });

/** A new object for each call, as from a parsed review. */
const createPod = (image: string, metadata: JsonObject = {}): JsonObject =>
  pod({ containers: [container(image)] }, metadata);

const prefersAmd64 = policy({ preference: { architectures: ['amd64'] } });
const createInput = (input: Partial<PlacementInput> = {}): PlacementInput => ({
  pod: createPod('app:1'),
  namespace: 'shop',
  operation: 'CREATE',
  namespaceFacts: SHOP,
  policy: prefersAmd64,
  images: new Map([['app:1', resolved('1')]]),
  nodes: NODES,
  canGate: true,
  nowMs: 1_000,
  ...input,
});
const SHOP = { name: 'shop', labels: {}, annotations: {} };
const NODES = [node('amd64'), node('arm64')];

/** Counts the calls of `place`. */
class CountingPlacement implements Placement {
  count = 0;

  imagesToInspect(input: Omit<PlacementInput, 'images'>): readonly string[] {
    return corePlacement.imagesToInspect(input);
  }

  place(input: PlacementInput): PlacedPod {
    this.count += 1;
    return corePlacement.place(input);
  }
}

const setUp = (): { readonly memoized: MemoizedPlacement; readonly fresh: CountingPlacement } => {
  const fresh = new CountingPlacement();
  return { memoized: new MemoizedPlacement(fresh), fresh };
};

describe('MemoizedPlacement', () => {
  test('PL11 decides once for the pods of a template', () => {
    const { memoized, fresh } = setUp();
    const first = memoized.place(createInput());
    expect(first).toEqual(corePlacement.place(createInput()));
    expect(memoized.place(createInput({ nowMs: 2_000 }))).toBe(first);
    expect(fresh.count).toBe(1);
  });

  test.each<[string, Partial<PlacementInput>]>([
    ['another label', { pod: createPod('app:1', { labels: { 'archpolicy.dev/preferred': 'arm64' } }) }],
    ['another image', { pod: createPod('app:2'), images: new Map([['app:2', resolved('1')]]) }],
    ['another digest', { images: new Map([['app:1', resolved('2')]]) }],
    ['other platforms', { images: new Map([['app:1', resolved('1', BOTH.slice(1))]]) }],
    ['a missing platform', { images: new Map([['app:1', lacking('amd64')]]) }],
    ['another source', { images: new Map([['app:1', resolved('1', BOTH, 'registry')]]) }],
    ['another namespace', { namespace: 'other', namespaceFacts: { ...SHOP, name: 'other' } }],
    [
      'changed labels of the namespace',
      { namespaceFacts: { ...SHOP, labels: { 'archpolicy.dev/preferred': 'arm64' } } },
    ],
    ['an unknown namespace', { namespaceFacts: undefined }],
    ['a changed policy', { policy: policy({ preference: { architectures: ['arm64'] } }) }],
    ['no policy', { policy: undefined }],
    ['changed nodes', { nodes: [node('amd64', false), node('arm64')] }],
    ['the operator is down', { canGate: false }],
    ['another operation', { operation: 'UPDATE' }],
  ])('%s is a cache miss', (_, change) => {
    const { memoized, fresh } = setUp();
    memoized.place(createInput());
    expect(memoized.place(createInput(change))).toEqual(corePlacement.place(createInput(change)));
    expect(fresh.count).toBe(2);
  });

  test.each<[string, Partial<PlacementInput>]>([
    ['an unresolved image', { images: new Map([['app:1', unresolved(5_000)]]) }],
    ["the deadline of the pod's Job", { jobDeadlineSeconds: 5 }],
    ['a relaxed preference', { preferenceRelaxed: true }],
    ['a bare pod', { pod: createPod('app:1', { ownerReferences: [] }) }],
    ['a template of 40 KB', { pod: createPod('app:1', { labels: { long: 'x'.repeat(40_000) } }) }],
  ])('%s is not memoized', (_, change) => {
    const { memoized, fresh } = setUp();
    const input = createInput(change);
    for (const nowMs of [1_000, 1_767_225_600_000]) {
      expect(memoized.place({ ...input, nowMs })).toEqual(corePlacement.place({ ...input, nowMs }));
    }
    expect(fresh.count).toBe(2);
  });

  test('R9 P8 a policy with active relaxations is memoized: one stuck workload does not slow the reviews of all pods', () => {
    const { memoized, fresh } = setUp();
    const until = (hours: number): string => new Date(Date.UTC(2026, 0, 1, hours)).toISOString();
    const own = { owner: 'shop/Deployment/web', until: until(1) };
    const relaxed = [{ owner: 'other/Deployment/web', until: until(2) }, own, { owner: 'x/y/z', until: 'unknown' }];
    const input = createInput({ policy: policy({ preference: { architectures: ['amd64'] } }, { relaxed }) });
    const counts = [0, 0.5, 1, 1.5, 2, 9].map((hours) => {
      const at = { ...input, nowMs: Date.UTC(2026, 0, 1) + hours * 3_600_000 };
      expect(memoized.place(at)).toEqual(corePlacement.place(at));
      return fresh.count;
    });
    // A new decision only when an entry has ended.
    expect(counts).toEqual([1, 1, 2, 2, 3, 3]);
    expect(memoized.place({ ...input, nowMs: Date.UTC(2026, 0, 1) })).not.toEqual(
      memoized.place({ ...input, nowMs: Date.UTC(2026, 0, 1, 9) }),
    );
  });

  test('evicts the least recently used placement above the limit', () => {
    const { memoized, fresh } = setUp();
    for (let i = 0; i < 5_001; i += 1)
      memoized.place(createInput({ pod: createPod('app:1', { labels: { i: String(i) } }) }));
    memoized.place(createInput({ pod: createPod('app:1', { labels: { i: '5000' } }) }));
    expect(fresh.count).toBe(5_001);
    memoized.place(createInput({ pod: createPod('app:1', { labels: { i: '0' } }) }));
    expect(fresh.count).toBe(5_002);
  });

  test('PL11 a memoized placement equals a new decision, for any order of pods, policies, nodes and facts', () => {
    const policies = [
      prefersAmd64,
      policy({ preference: { architectures: ['arm64'], type: 'Prefer' }, whenUnresolved: 'Gate' }),
      policy({ mode: 'Audit' }),
      policy(
        { preference: { architectures: ['amd64', 'arm64'] } },
        {
          relaxed: [
            { owner: 'shop/ReplicaSet/web-5d4f8c7b9', until: '1970-01-01T00:00:30Z' },
            { scope: 'Architecture', architecture: 'amd64', until: '1970-01-01T00:01:30Z' },
          ],
        },
      ),
      undefined,
    ];
    const images = ['app:1', 'side:1'];
    const facts = [resolved('1'), resolved('2'), resolved('1', BOTH.slice(0, 1)), unresolved(500), unresolved(90_000)];
    const input = fc
      .record({
        image: fc.constantFrom(...images),
        labels: fc.constantFrom<JsonObject[]>({}, { 'archpolicy.dev/preferred': 'arm64' }, { app: 'web' }),
        namespaceFacts: fc.constantFrom(SHOP, { ...SHOP, labels: { 'archpolicy.dev/preferred': 'amd64' } }, undefined),
        policy: fc.constantFrom(...policies),
        inspection: fc.constantFrom(...facts),
        nodes: fc.constantFrom(NODES, [node('arm64')]),
        canGate: fc.boolean(),
        nowMs: fc.constantFrom(0, 60_000, 120_000, undefined),
      })
      .map(({ image, labels, inspection, nowMs, ...rest }) =>
        createInput({
          ...rest,
          ...(nowMs !== undefined && { nowMs }),
          pod: createPod(image, { labels }),
          images: new Map([[image, inspection]]),
        }),
      );
    fc.assert(
      fc.property(fc.array(input, { minLength: 2, maxLength: 40 }), (inputs) => {
        const { memoized } = setUp();
        for (const one of inputs) expect(memoized.place(one)).toEqual(corePlacement.place(one));
      }),
    );
  });
});
