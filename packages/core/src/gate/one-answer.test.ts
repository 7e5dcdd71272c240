import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Inspection } from '../inspection/inspection.ts';
import type { JsonObject } from '../json/json.ts';
import { naiveSelects } from '../placement/fixtures/naive-scheduler.ts';
import { policyOf } from '../placement/fixtures/row.ts';
import { IMAGES, nodes, overTheWire, world } from '../placement/fixtures/worlds.ts';
import type { PlacementInput } from '../placement/input.ts';
import { applyPatch } from '../placement/json-patch.ts';
import type { JsonPatchOperation } from '../placement/json-patch.ts';
import { placePod } from '../placement/place-pod.ts';
import { decideGate } from './decide.ts';
import { patchFallbacks } from './lift.ts';
import { isGated } from '../pod/gate.ts';

const LATE: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'u', controller: true }];

const NOWHERE: ReadonlySet<string> = new Set(['NoCommonArchitecture', 'OwnerChoiceUnsupported']);

type Images = PlacementInput['images'];

const applied = (pod: JsonObject, patch: readonly JsonPatchOperation[]): JsonObject => {
  const result = applyPatch(pod, patch);
  expect(result.kind).toBe('applied');
  return (result.kind === 'applied' ? result.value : pod) as JsonObject;
};

/** The pod as admission leaves it, and the operator when the registry has answered. */
function settled(input: PlacementInput, atAdmission: Images, later: Images): JsonObject {
  const admitted = applied(input.pod, placePod({ ...input, images: atAdmission }).patch);
  if (!isGated(admitted)) return admitted;
  const decision = decideGate({ ...input, pod: admitted, images: later, nowMs: 2_000, waitedMs: 1_000 });
  expect(decision.kind).toBe('lift');
  if (decision.kind !== 'lift') return admitted;
  const fallbacks = patchFallbacks({ ...decision, pod: admitted, policy: input.policy, images: later });
  return applied(admitted, fallbacks?.patches[0]?.operations ?? []);
}

const reached = (pod: JsonObject): readonly string[] =>
  nodes.filter((node) => naiveSelects(pod, node)).map(({ name }) => name);

test('PL9 all pods of a ReplicaSet may go to the same nodes, whether their images were cold, warm or stale', () => {
  const gating = world.filter(({ facts }) => [...facts.values()].every((text) => !text.startsWith('unresolved')));
  /** How each image is known when one of the pods comes. */
  const known = fc.tuple(...IMAGES.map(() => fc.constantFrom('cold', 'warm', 'stale')));
  let gated = 0;
  fc.assert(
    fc.property(gating, fc.array(known, { minLength: 1, maxLength: 6 }), ({ input }, comers) => {
      const metadata = { ...(input.pod['metadata'] as JsonObject), ownerReferences, resourceVersion: '1' };
      const policy = policyOf({ ...withoutDeny(input), whenUnresolved: 'Gate' });
      const one: PlacementInput = { ...input, policy, canGate: true, pod: { ...input.pod, metadata } };
      // What no node can run may stay narrowed to what a part of it runs on: a gated pod's terms are never widened.
      fc.pre(!NOWHERE.has(placePod(one).decision.reason));
      const warm = reached(settled(one, one.images, one.images));
      for (const states of comers) {
        const then = asKnown(one.images, new Map(IMAGES.map((image, index) => [image, states[index]])));
        if (placePod({ ...one, images: then }).decision.kind === 'gate') gated += 1;
        expect(reached(settled(one, then, one.images))).toEqual(warm);
        // What the registry did not confirm in time is stale when the operator decides, too.
        expect(reached(settled(one, then, stale(one.images)))).toEqual(warm);
      }
    }),
    { numRuns: 150 },
  );
  // The property is meaningful only if many were gated.
  expect(gated).toBeGreaterThan(50);
});

/** A refused pod goes nowhere: there is nothing to compare. */
function withoutDeny({ policy }: PlacementInput): JsonObject {
  return { ...(overTheWire(policy?.spec ?? {}) as JsonObject), whenNoCommonArchitecture: 'Admit' };
}

function asKnown(images: Images, states: ReadonlyMap<string, string | undefined>): Images {
  const old = stale(images);
  return new Map(
    [...images].map(([image, fresh]) => {
      const state = states.get(image);
      return [image, state === 'cold' ? LATE : ((state === 'stale' ? old.get(image) : undefined) ?? fresh)];
    }),
  );
}

/** Known from long ago, out of the shared cache. */
function stale(images: Images): Images {
  return new Map(
    [...images].map(([image, one]) => [
      image,
      one.kind === 'resolved' ? { ...one, source: 'redis', ageMs: 80_000_000 } : one,
    ]),
  );
}
