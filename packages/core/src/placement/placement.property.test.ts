import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import rfc6902 from 'rfc6902';
import type { Inspection } from '../inspection/inspection.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { naiveHolds, naiveRuns, naiveSelects } from './fixtures/naive-scheduler.ts';
import { IMAGES, inspected, nodes, overTheWire, world } from './fixtures/worlds.ts';
import type { PlacementInput } from './input.ts';
import { applyPatch } from './json-patch.ts';
import type { PodPlacement } from './place-pod.ts';
import { placePod } from './place-pod.ts';

/** Returns the pod as patched by the API server; the patch is applied by a third-party library. */
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

  test('PL5 every node that a constrained or gated pod may use can run every resolved image', () => {
    fc.assert(
      fc.property(world, ({ input, facts }) => {
        const placement = placePod(input);
        const { decision } = placement;
        if (decision.kind !== 'constrain' && decision.kind !== 'gate') return;
        if (decision.reason === 'LabelsCopied' && decision.architectures.length === 0) return;
        const after = mutated(input.pod, placement);
        for (const node of nodes.filter((one) => selects(after, one))) {
          for (const image of getImages(input.pod)) {
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

  test('PL2 another source of the facts does not change the pod again', () => {
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

  test('PL2 a sidecar that is injected between two calls leads to the result of a pod that always had it', () => {
    const getSpec = (raw: JsonObject): JsonObject => raw['spec'] as JsonObject;
    const inject = (raw: JsonObject, image: string): JsonObject => {
      const containers = getSpec(raw)['containers'] as readonly Json[];
      return { ...raw, spec: { ...getSpec(raw), containers: [...containers, { name: 'injected', image }] } };
    };
    fc.assert(
      fc.property(world, fc.constantFrom(...IMAGES), ({ input }, image) => {
        const first = mutated(input.pod, placePod(input));
        const reinvoked = { ...input, pod: inject(first, image) };
        const fresh = { ...input, pod: inject(input.pod, image) };
        const again = placePod(reinvoked);
        expect(again.decision).toEqual(placePod(fresh).decision);
        // A denied pod is not patched.
        if (again.decision.kind === 'deny') return;
        expect(withoutNulls(getSpec(mutated(reinvoked.pod, again)))).toEqual(
          withoutNulls(getSpec(mutated(fresh.pod, placePod(fresh)))),
        );
      }),
      runs,
    );
  });

  test('PL11 nothing in the received pod is lost or changed', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        expect(naiveHolds(withoutNulls(input.pod), mutated(input.pod, placePod(input)))).toBe(true);
      }),
      runs,
    );
  });

  test('PL11 applying the patch agrees with the RFC', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        const placement = placePod(input);
        const applied = applyPatch(input.pod, placement.patch);
        expect(applied).toEqual({ kind: 'applied', value: mutated(input.pod, placement) });
      }),
      runs,
    );
  });

  test('PL9 a pod is gated only while an operator can lift the gate', () => {
    fc.assert(
      fc.property(world, ({ input }) => {
        if (placePod(input).decision.kind === 'gate') expect(input.canGate).toBe(true);
      }),
      runs,
    );
  });
});

/** A null field counts as absent: a patch replaces it, and reverting the addition does not restore it. */
function withoutNulls(raw: Json): Json {
  if (Array.isArray(raw)) return raw as Json;
  if (raw === null || typeof raw !== 'object') return raw;
  return Object.fromEntries(
    Object.entries(raw as JsonObject)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, withoutNulls(value ?? null)]),
  );
}

function getImages(raw: JsonObject): readonly string[] {
  const { containers, initContainers = [] } = raw['spec'] as {
    readonly containers: readonly { readonly image: string }[];
    readonly initContainers?: readonly { readonly image: string }[];
  };
  return [...containers, ...initContainers].map(({ image }) => image);
}

function overridden({ policy: one }: PlacementInput, image: string): string | undefined {
  return one?.spec.images.length === 0 || !image.startsWith('registry.corp/') ? undefined : 'linux/amd64';
}
