import {
  decideGate,
  gateOnly,
  imagesToInspect,
  isUntouched,
  objectAt,
  patchFallbacks,
  podImages,
  withoutUndefined,
} from '@archpolicy/core';
import type { GateDecision, GatedPodInput, PatchFallbacks, PlacementDecision, UnresolvedImage } from '@archpolicy/core';
import type { Inspections } from './inspections.ts';
import { listPendingImages } from './pending-images.ts';

/** The next action for a gated pod. */
export type GateAction =
  | {
      readonly kind: 'wait';
      /** The images whose inspection failed, with the failures. Empty while no inspection has ended. */
      readonly causes: readonly UnresolvedImage[];
      readonly remainingMs: number;
    }
  | {
      readonly kind: 'lift';
      readonly decision: PlacementDecision;
      readonly timedOut: boolean;
      /** Milliseconds until `gateTimeout` ends; 0 or less when it has ended. */
      readonly remainingMs: number;
      readonly fallbacks: PatchFallbacks;
    }
  /** There is nothing to do: the pod does not have our gate. */
  | { readonly kind: 'none' };

/**
 * Decides with the results of the images that are already inspected. Starts inspections of the pod's other images; each
 * result enqueues the pod again. Starts no inspections for an exempt pod. Throws if the decision throws.
 */
export function decideAction(inspections: Inspections, key: string, gathered: GatedPodInput): GateAction {
  const { pod, namespace, policy } = gathered;
  const blind = decideGate(gathered);
  if (policy === undefined || (blind.kind === 'lift' && isUntouched(blind.decision))) return toAction(blind, gathered);
  const images = inspections.register(
    key,
    listPendingImages(pod, namespace, imagesToInspect(podImages(objectAt(pod, 'spec')), policy.spec)),
  );
  const input = { ...gathered, images };
  return toAction(decideGate(input), input);
}

/**
 * Returns the action after an error of the decision: it removes only the gate, because a bug of ArchPolicy must not
 * keep the pod from running.
 */
export function liftUnconstrained({ pod, policy }: GatedPodInput): GateAction {
  const fallbacks = gateOnly(pod);
  if (fallbacks === undefined) return { kind: 'none' };
  const decision: PlacementDecision = withoutUndefined({
    kind: 'leave',
    reason: 'SelfCheckFailed',
    policy: policy?.name,
    unresolved: [],
    warnings: [{ kind: 'SelfCheckFailed' }],
  });
  return { kind: 'lift', decision, timedOut: false, remainingMs: 0, fallbacks };
}

function toAction(decided: GateDecision, input: GatedPodInput): GateAction {
  if (decided.kind === 'wait') {
    const { unresolved, remainingMs } = decided;
    return { kind: 'wait', causes: unresolved.filter(({ image }) => input.images.has(image)), remainingMs };
  }
  const { decision, withoutTolerations, timedOut, remainingMs } = decided;
  const fallbacks = patchFallbacks({ ...input, decision, withoutTolerations });
  return fallbacks === undefined ? { kind: 'none' } : { kind: 'lift', decision, timedOut, remainingMs, fallbacks };
}
