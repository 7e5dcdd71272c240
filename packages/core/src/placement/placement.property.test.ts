import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import rfc6902 from 'rfc6902';
import type { Inspection } from '../inspection/inspection.ts';
import type { NamespaceFacts } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../kubernetes/json.ts';
import { naiveHolds, naiveRuns, naiveSelects } from './fixtures/naive-scheduler.ts';
import { inspectionOf, nodeOf, policyOf } from './fixtures/row.ts';
import type { PlacementInput } from './input.ts';
import { applyPatch } from './json-patch.ts';
import type { PodPlacement } from './place-pod.ts';
import { placePod } from './place-pod.ts';

const ARCHS = ['amd64', 'arm64', 's390x', 'arm'];
const IMAGES = ['app', 'side', 'registry.corp/legacy/a:1', 'deep'];
const PLATFORMS = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'linux/386',
  'linux/s390x',
  'windows/amd64',
  'wasip1/wasm',
];
const KEYS = ['kubernetes.io/arch', 'beta.kubernetes.io/arch', 'zone', 'team'];
const VALUES = [...ARCHS, 'a', 'b', '7', 'data'];

const values = fc.array(fc.constantFrom(...VALUES), { maxLength: 3 });
const expression = fc.record({
  key: fc.constantFrom(...KEYS),
  operator: fc.constantFrom('In', 'In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
  values,
});
const field = fc.record({
  key: fc.constant('metadata.name'),
  operator: fc.constantFrom('In', 'NotIn'),
  values: fc.constantFrom(['n-amd64-a'], ['n-arm64-b']),
});
const term = fc.record(
  {
    matchExpressions: fc.array(expression, { maxLength: 2 }),
    matchFields: fc.array(field, { maxLength: 1 }),
    future: fc.constant({ x: 1 }),
  },
  { requiredKeys: [] },
);
const preferredTerm = fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term });
const nodeAffinity = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.oneof(
      { arbitrary: fc.record({ nodeSelectorTerms: fc.array(term, { maxLength: 3 }) }), weight: 6 },
      { arbitrary: fc.constant(null), weight: 1 },
    ),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(preferredTerm, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const toleration = fc.record(
  {
    key: fc.constantFrom('kubernetes.io/arch', 'gpu'),
    operator: fc.constantFrom('Exists', 'Equal'),
    value: fc.constantFrom('amd64', 'arm64'),
    effect: fc.constantFrom('NoSchedule', 'NoExecute'),
    tolerationSeconds: fc.constant(60),
  },
  { requiredKeys: [] },
);
const container = fc.record({
  name: fc.constant('c'),
  image: fc.constantFrom(...IMAGES),
  futureField: fc.constant([1, null]),
});
const labels = fc.record(
  {
    'archpolicy.dev/preferred': fc.constantFrom(...ARCHS, 'graviton'),
    team: fc.constantFrom('data', 'a'),
    'pod-template-hash': fc.constant('abc'),
  },
  { requiredKeys: [] },
);
const metadata = fc.record(
  {
    name: fc.constantFrom('web', 'db'),
    labels,
    annotations: fc.dictionary(fc.constantFrom('a/b', 'c~d', 'plain'), fc.string()),
    ownerReferences: fc.constantFrom(
      [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'u', controller: true }],
      [{ apiVersion: 'batch/v1', kind: 'Job', name: 'job-29000000', uid: 'u', controller: true }],
    ),
  },
  { requiredKeys: ['name'] },
);
const spec = fc.record(
  {
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.array(container, { maxLength: 1 }),
    nodeSelector: fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 1 }),
    affinity: fc.oneof(
      {
        arbitrary: fc.record({ nodeAffinity, podAntiAffinity: fc.constant({ future: true }) }, { requiredKeys: [] }),
        weight: 5,
      },
      { arbitrary: fc.constant(null), weight: 1 },
    ),
    tolerations: fc.array(toleration, { maxLength: 2 }),
    schedulingGates: fc.constantFrom([], [{ name: 'example.com/quota' }]),
    unknownToUs: fc.constant({ deep: [{ er: 1e300 }] }),
  },
  { requiredKeys: ['containers'] },
);
const pod = fc.record({ apiVersion: fc.constant('v1'), kind: fc.constant('Pod'), metadata, spec });

const inspection: fc.Arbitrary<string> = fc.oneof(
  {
    arbitrary: fc
      .uniqueArray(fc.constantFrom(...PLATFORMS), { minLength: 1, maxLength: 4 })
      .map((all) => all.join(' ')),
    weight: 6,
  },
  { arbitrary: fc.constantFrom('neutral', 'unresolved NotFound', 'unresolved Deadline'), weight: 1 },
);
const inspections = fc
  .tuple(...IMAGES.map(() => inspection))
  .map((all) => new Map(IMAGES.map((image, i) => [image, all[i] ?? ''])));

const policy = fc
  .record(
    {
      architectures: fc.constantFrom(['amd64', 'arm64', 's390x'], ['amd64', 'arm64', 'arm']),
      preference: fc.record(
        {
          architectures: fc.uniqueArray(fc.constantFrom('amd64', 'arm64'), { minLength: 1 }),
          type: fc.constantFrom('Require', 'Prefer'),
          weight: fc.integer({ min: 1, max: 100 }),
          allowOverride: fc.boolean(),
        },
        { requiredKeys: ['architectures'] },
      ),
      rollout: fc.record({
        architecture: fc.constantFrom('arm64', 'amd64'),
        percent: fc.integer({ min: 0, max: 100 }),
      }),
      scaleFromZero: fc.constantFrom([], ['arm64']),
      whenUnresolved: fc.constantFrom('Gate', 'Admit', 'Fallback'),
      whenNoCommonArchitecture: fc.constantFrom('Admit', 'Deny'),
      tolerateArchitectureTaints: fc.boolean(),
      copyLabelsToNodeAffinity: fc.constantFrom([], ['team'], ['team', 'zone']),
      images: fc.constantFrom([], [{ match: 'registry.corp/legacy/*', platforms: ['linux/amd64'] }]),
    },
    { requiredKeys: [] },
  )
  .map((one) => policyOf({ fallbackArchitecture: 'amd64', ...one }));

const nodes = ARCHS.flatMap((arch) =>
  ['a', 'b'].map((zone) =>
    nodeOf({
      name: `n-${arch}-${zone}`,
      arch,
      labels: { zone, 'beta.kubernetes.io/arch': arch, ...(zone === 'a' && { team: 'data' }) },
    }),
  ),
);
const namespaceFacts: NamespaceFacts = { name: 'team', labels: {}, annotations: {} };

interface World {
  readonly input: PlacementInput;
  readonly facts: ReadonlyMap<string, string>;
}

const world: fc.Arbitrary<World> = fc
  .record({ pod, facts: inspections, policy, canGate: fc.boolean(), available: fc.subarray(nodes) })
  .map(({ pod: raw, facts, policy: one, canGate, available }) => ({
    facts,
    input: {
      pod: overTheWire(raw) as JsonObject,
      namespace: 'team',
      operation: 'CREATE',
      namespaceFacts,
      policy: one,
      images: inspected(facts),
      nodes: available,
      canGate,
    },
  }));

function inspected(facts: ReadonlyMap<string, string>): ReadonlyMap<string, Inspection> {
  return new Map([...facts].map(([image, text]) => [image, inspectionOf(text)]));
}

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The pod as the API server makes it of our answer; the patch is applied by another's library. */
function mutated(received: JsonObject, { patch }: PodPlacement): JsonObject {
  const copy = overTheWire(received) as Record<string, Json>;
  const problems = rfc6902.applyPatch(copy, overTheWire(patch) as Parameters<typeof rfc6902.applyPatch>[1]);
  expect(problems.filter((problem) => problem !== null)).toEqual([]);
  return copy;
}

const selects = (raw: JsonObject, node: (typeof nodes)[number]): boolean => naiveSelects(raw, node);
const runs = { numRuns: 300 };

describe('placement, over generated pods, policies, platforms and nodes', () => {
  test('PL5 constrained ⊆ original: no node is gained', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        const after = mutated(input.pod, placePod(input));
        for (const node of nodes) if (selects(after, node)) expect(selects(input.pod, node)).toBe(true);
      }),
      runs,
    );
  });

  test('PL5 every node that a constrained or gated pod may go to can run every known image', () => {
    fc.assert(
      fc.property(world, ({ input, facts }) => {
        const placement = placePod(input);
        const { decision } = placement;
        if (decision.kind !== 'constrain' && decision.kind !== 'gate') return;
        if (decision.reason === 'LabelsCopied' && decision.architectures.length === 0) return;
        const after = mutated(input.pod, placement);
        for (const node of nodes.filter((one) => selects(after, one))) {
          for (const image of imagesOf(input.pod)) {
            const known = overridden(input, image) ?? facts.get(image) ?? '';
            if (!known.startsWith('linux') && !known.startsWith('w')) continue;
            expect([image, known, node.architecture, naiveRuns(known.split(' '), node.architecture)]).toContain(true);
          }
        }
      }),
      runs,
    );
  });

  test('PL2 mutate∘mutate = mutate', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        const first = placePod(input);
        const after = mutated(input.pod, first);
        const second = placePod({ ...input, pod: after });
        expect(second.patch).toEqual([]);
        expect(second.decision).toEqual(first.decision);
      }),
      runs,
    );
  });

  test('PL2 where the facts came from is no reason to change the pod again', () => {
    fc.assert(
      fc.property(world, ({ input, facts }) => {
        const after = mutated(input.pod, placePod(input));
        const fromRegistry = [...inspected(facts)].map(([image, one]): [string, Inspection] => [
          image,
          one.kind === 'resolved' ? { ...one, source: 'registry', ageMs: 0 } : one,
        ]);
        expect(placePod({ ...input, pod: after, images: new Map(fromRegistry) }).patch).toEqual([]);
      }),
    );
  });

  test('PL2 a sidecar injected between two calls gets the answer of a pod that had it from the start', () => {
    const specOf = (raw: JsonObject): JsonObject => raw['spec'] as JsonObject;
    const inject = (raw: JsonObject, image: string): JsonObject => {
      const containers = specOf(raw)['containers'] as readonly Json[];
      return { ...raw, spec: { ...specOf(raw), containers: [...containers, { name: 'injected', image }] } };
    };
    fc.assert(
      fc.property(world, fc.constantFrom(...IMAGES), ({ input }, image) => {
        const first = mutated(input.pod, placePod(input));
        const reinvoked = { ...input, pod: inject(first, image) };
        const fresh = { ...input, pod: inject(input.pod, image) };
        const again = placePod(reinvoked);
        expect(again.decision).toEqual(placePod(fresh).decision);
        // A refused pod is not patched.
        if (again.decision.kind === 'deny') return;
        expect(withoutNulls(specOf(mutated(reinvoked.pod, again)))).toEqual(
          withoutNulls(specOf(mutated(fresh.pod, placePod(fresh)))),
        );
      }),
      runs,
    );
  });

  test('PL11 nothing that was received is lost or changed', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        expect(naiveHolds(withoutNulls(input.pod), mutated(input.pod, placePod(input)))).toBe(true);
      }),
      runs,
    );
  });

  test('PL11 our own application of the patch is that of the RFC', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        const placement = placePod(input);
        const applied = applyPatch(input.pod, placement.patch);
        expect(applied).toEqual({ kind: 'applied', value: mutated(input.pod, placement) });
      }),
      runs,
    );
  });

  test('PL9 a pod is gated only while somebody can lift the gate', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        if (placePod(input).decision.kind === 'gate') expect(input.canGate).toBe(true);
      }),
      runs,
    );
  });
});

/** A field that is null is absent: where we write, it is gone, and it does not come back when we take out what we wrote. */
function withoutNulls(raw: Json): Json {
  if (Array.isArray(raw)) return raw as Json;
  if (raw === null || typeof raw !== 'object') return raw;
  return Object.fromEntries(
    Object.entries(raw as JsonObject)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, withoutNulls(value ?? null)]),
  );
}

function imagesOf(raw: JsonObject): readonly string[] {
  const { containers, initContainers = [] } = raw['spec'] as {
    readonly containers: readonly { readonly image: string }[];
    readonly initContainers?: readonly { readonly image: string }[];
  };
  return [...containers, ...initContainers].map(({ image }) => image);
}

function overridden({ policy: one }: PlacementInput, image: string): string | undefined {
  return one?.spec.images.length === 0 || !image.startsWith('registry.corp/') ? undefined : 'linux/amd64';
}
