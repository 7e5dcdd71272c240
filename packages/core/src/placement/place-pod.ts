import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import { readPodAnnotations } from '../kubernetes/annotations.ts';
import { readDecision } from './annotation.ts';
import { auditAnnotations } from './audit.ts';
import type { Verdict } from './decide.ts';
import { decideFor } from './decide.ts';
import type { PlacementDecision } from './decision.ts';
import type { PlacementInput } from './input.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import type { Original } from './patch.ts';
import { placementPatch } from './patch.ts';
import type { PodView } from './pod-view.ts';
import { readPodView } from './pod-view.ts';
import { revert } from './revert.ts';
import { warningText } from './warnings.ts';

/** The whole answer to one admission review. */
export interface PodPlacement {
  readonly decision: PlacementDecision;
  /** RFC 6902, against the pod as received. Empty: admitted unchanged. */
  readonly patch: readonly JsonPatchOperation[];
  /** At most 120 characters each. */
  readonly warnings: readonly string[];
  /** For the API server's audit log; keys without prefix. */
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** Decides about a pod and says how it has to be changed. Pure: the same input gets the same answer. */
export function placePod(input: PlacementInput): PodPlacement {
  const original = revertOwn(input);
  const view = readPodView(original.pod);
  const { decision, patch } = changed(input, original, view, decideFor(view, input));
  return {
    decision,
    patch,
    warnings: decision.warnings.map(warningText),
    auditAnnotations: auditAnnotations(decision),
  };
}

/** The decision alone, for what a replacement would get. */
export function decidePlacement(input: PlacementInput): PlacementDecision {
  return decideFor(readPodView(revertOwn(input).pod), input).decision;
}

interface Change {
  readonly decision: PlacementDecision;
  readonly patch: readonly JsonPatchOperation[];
}

/** PL11: a patch that does not pass its check is not sent. */
function changed(input: PlacementInput, original: Original, view: PodView, verdict: Verdict): Change {
  const { decision } = verdict;
  const patched = placementPatch(input.pod, original, view, verdict);
  if (patched.kind === 'patch') return { decision, patch: patched.patch };
  const { policy, unresolved } = decision;
  return {
    decision: {
      kind: 'leave',
      reason: 'SelfCheckFailed',
      ...(policy !== undefined && { policy }),
      unresolved,
      warnings: [{ kind: 'SelfCheckFailed' }],
    },
    patch: [],
  };
}

/** PL2: the pod without what we once added. */
function revertOwn({ pod, policy }: PlacementInput): Original {
  const annotations = readPodAnnotations(pod);
  const annotation = annotations[ANNOTATION_DECISION];
  const record = readDecision(annotations);
  if (record === undefined || policy === undefined) return { pod, removed: [], annotation };
  return { ...revert(pod, record, policy.spec.copyLabelsToNodeAffinity), annotation };
}
