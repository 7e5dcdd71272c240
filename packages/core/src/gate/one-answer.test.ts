import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Inspection } from '../inspection/inspection.ts';
import type { JsonObject } from '../json/json.ts';
import { naiveSelects } from '../placement/fixtures/naive-scheduler.ts';
import { buildPolicy } from '../placement/fixtures/row.ts';
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

/** Returns the pod after admission and, if it is gated, after the operator with the results of the registry. */
function admitAndLift(input: PlacementInput, atAdmission: Images, later: Images): JsonObject {
  const admitted = applied(input.pod, placePod({ ...input, images: atAdmission }).patch);
  if (!isGated(admitted)) return admitted;
  const decision = decideGate({ ...input, pod: admitted, images: later, nowMs: 2_000, waitedMs: 1_000 });
  expect(decision.kind).toBe('lift');
  if (decision.kind !== 'lift') return admitted;
  const fallbacks = patchFallbacks({ ...decision, pod: admitted, policy: input.policy, images: later });
  return applied(admitted, fallbacks?.patches[0]?.operations ?? []);
}

const selectedNodes = (pod: JsonObject): readonly string[] =>
  nodes.filter((node) => naiveSelects(pod, node)).map(({ name }) => name);

test('PL9 all pods of a ReplicaSet may be scheduled to the same nodes, with cold, warm or stale images', () => {
  const gating = world.filter(({ facts }) => [...facts.values()].every((text) => !text.startsWith('unresolved')));
  /** The cache state of each image when one of the pods is created. */
  const known = fc.tuple(...IMAGES.map(() => fc.constantFrom('cold', 'warm', 'stale')));
  let gated = 0;
  fc.assert(
    fc.property(gating, fc.array(known, { minLength: 1, maxLength: 6 }), ({ input }, podStates) => {
      const metadata = { ...(input.pod['metadata'] as JsonObject), ownerReferences, resourceVersion: '1' };
      const policy = buildPolicy({ ...withoutDeny(input), whenUnresolved: 'Gate' });
      const one: PlacementInput = { ...input, policy, canGate: true, pod: { ...input.pod, metadata } };
      // A pod that no node can run may stay constrained for a part of its images: terms of a gated pod are never widened.
      fc.pre(!NOWHERE.has(placePod(one).decision.reason));
      const warm = selectedNodes(admitAndLift(one, one.images, one.images));
      for (const states of podStates) {
        const then = asKnown(one.images, new Map(IMAGES.map((image, index) => [image, states[index]])));
        if (placePod({ ...one, images: then }).decision.kind === 'gate') gated += 1;
        expect(selectedNodes(admitAndLift(one, then, one.images))).toEqual(warm);
        // What the registry did not confirm in time is also stale for the operator.
        expect(selectedNodes(admitAndLift(one, then, stale(one.images)))).toEqual(warm);
      }
    }),
    { numRuns: 150 },
  );
  // The property proves something only if many pods were gated.
  expect(gated).toBeGreaterThan(50);
});

/** A denied pod has no nodes to compare. */
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

/** Facts from the shared cache that the registry has not confirmed. */
function stale(images: Images): Images {
  return new Map(
    [...images].map(([image, one]) => [
      image,
      one.kind === 'resolved' ? { ...one, source: 'redis', ageMs: 80_000_000 } : one,
    ]),
  );
}
