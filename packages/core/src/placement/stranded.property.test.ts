import { expect, test } from '@jest/globals';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import type { JsonObject } from '../json/json.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { naiveBrings, naiveRunsThere, naiveSystem, naiveFits } from './fixtures/naive-feasibility.ts';
import type { StrandedCase } from './fixtures/stranded-cases.ts';
import { CLASSES, OWNER_CLASSES, policies, strandedCase } from './fixtures/stranded-cases.ts';
import type { PlacementInput } from './input.ts';
import { applyPatch } from './json-patch.ts';
import type { PodPlacement } from './place-pod.ts';
import { placePod } from './place-pod.ts';

// eslint-disable-next-line no-restricted-properties -- `RUNS=5000000 SEED=7` runs more and other cases
const { RUNS: runs = '100000', SEED: seeds = '1' } = process.env;
const RUNS = Number(runs);
const SEED = Number(seeds);
const TIMEOUT_MS = 60_000 + RUNS;

/** Reasons that narrow a pod more than its images do; each must occur. */
const GUESSES_AND_PREFERENCES = ['AllowedByPolicy', 'Fallback', 'Preferred', 'PreferredByPod', 'RolledOut'];

interface Placed extends Pick<PodPlacement, 'decision'> {
  readonly pod: JsonObject;
}

function placed(input: PlacementInput): Placed {
  const { decision, patch } = placePod(input);
  const applied = applyPatch(input.pod, patch);
  if (applied.kind === 'refused') throw new Error('the patch does not apply');
  return { decision, pod: applied.value as JsonObject };
}

const fitsOn = (pod: JsonObject, nodes: readonly NodeFacts[]): boolean => nodes.some((node) => naiveFits(pod, node));

/**
 * Whether a ready node could take the pod as its owner wrote it, and run its images. The architecture of a node without
 * the label is unknown, so it may run them.
 */
function couldRun({ input, images }: StrandedCase): boolean {
  const { pod, nodes, policy } = input;
  // An allow-list excludes nodes on purpose.
  if (policy?.spec.architectures !== undefined) return false;
  const system = naiveSystem(pod, nodes);
  return nodes.some(
    (node) =>
      node.os === system &&
      naiveFits(pod, node) &&
      (isVirtual(node) || images.every((platforms) => naiveRunsThere(platforms, system, node.architecture))),
  );
}

function isVirtual({ labels }: NodeFacts): boolean {
  return labels['kubernetes.io/arch'] === undefined;
}

/** Whether the pod waits for a node that an autoscaler may bring. */
function waitsForNode({ input }: StrandedCase, { decision }: Placed): boolean {
  const { pod, nodes, policy } = input;
  const architectures: readonly string[] = decision.kind === 'constrain' ? decision.architectures : [];
  return (policy?.spec.scaleFromZero ?? []).some(
    (architecture) => architectures.includes(architecture) && naiveBrings(pod, architecture, nodes),
  );
}

/**
 * Whether nothing replaces the pod, so that its volume must decide where it runs. The pod's own label is an exception.
 */
function isVolumeBound({ classes }: StrandedCase, { decision }: Placed): boolean {
  return classes.includes('a claim that nothing replaces') && decision.reason !== 'PreferredByPod';
}

test(
  'PL6 PL9 after a preference or a fallback a ready node can still take the pod, and each node can if its volume may be bound there',
  () => {
    const all = policies(400, seededRandom(0));
    const stranded: { readonly seed: number; readonly reason: string; readonly rule: string }[] = [];
    const seen = new Map<string, number>();
    const count = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1);
    for (let seed = SEED; seed < SEED + RUNS; seed += 1) {
      const one = strandedCase(seededRandom(seed), all);
      const { nodes } = one.input;
      const after = placed(one.input);
      const relaxed = placed({ ...one.input, preferenceRelaxed: true });
      one.classes.forEach(count);
      count(after.decision.reason);
      if (
        isVolumeBound(one, after) &&
        nodes.some((node) => fitsOn(relaxed.pod, [node]) && !fitsOn(after.pod, [node]))
      ) {
        stranded.push({ seed, reason: after.decision.reason, rule: 'kept from the node of its volume' });
      }
      if (fitsOn(after.pod, nodes)) {
        if (
          !fitsOn(
            after.pod,
            nodes.filter((node) => !isVirtual(node)),
          )
        )
          count('taken by a node without the label alone');
        continue;
      }
      if (waitsForNode(one, after)) count('waits for a node');
      else if (fitsOn(relaxed.pod, nodes)) stranded.push({ seed, reason: after.decision.reason, rule: 'narrowed' });
      else if (couldRun(one)) stranded.push({ seed, reason: after.decision.reason, rule: 'constrained' });
    }
    expect(stranded.slice(0, 10)).toEqual([]);
    for (const name of [
      ...CLASSES,
      ...OWNER_CLASSES,
      ...GUESSES_AND_PREFERENCES,
      'waits for a node',
      'taken by a node without the label alone',
    ]) {
      expect([name, (seen.get(name) ?? 0) > RUNS / 1_000]).toEqual([name, true]);
    }
  },
  TIMEOUT_MS,
);
