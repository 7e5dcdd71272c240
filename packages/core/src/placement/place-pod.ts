import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import { ANNOTATION_NODE_SELECTOR, readPodAnnotations } from '../kubernetes/annotations.ts';
import { readDecision } from './annotation.ts';
import { auditAnnotations } from './audit.ts';
import type { EvaluatedPlacement } from './decide.ts';
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

/** The complete result of one admission review. */
export interface PodPlacement {
  readonly decision: PlacementDecision;
  /** The JSON Patch (RFC 6902) for the pod as received. Empty if the pod is admitted unchanged. */
  readonly patch: readonly JsonPatchOperation[];
  /** The warnings for the user, at most 120 characters each. */
  readonly warnings: readonly string[];
  /** The annotations for the API server's audit log, which adds a prefix to the keys. */
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** Decides about a pod and builds its patch. The result depends only on the input. */
export function placePod(input: PlacementInput): PodPlacement {
  const original = revertAdditions(input);
  const view = readPodView(original.pod);
  const { decision, patch } = applyDecision(input, original, view, decideFor(view, input));
  return {
    decision,
    patch,
    warnings: decision.warnings.map(warningText),
    auditAnnotations: auditAnnotations(decision),
  };
}

/** Decides about a pod without building a patch, for example about a replacement. */
export function decidePlacement(input: PlacementInput): PlacementDecision {
  return decideFor(readPodView(revertAdditions(input).pod), input).decision;
}

interface Change {
  readonly decision: PlacementDecision;
  readonly patch: readonly JsonPatchOperation[];
}

/** Builds the patch for the decision. PL11: if the patch fails its check, leaves the pod unchanged instead. */
function applyDecision(input: PlacementInput, original: Original, view: PodView, verdict: EvaluatedPlacement): Change {
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

/** PL2: reverts the additions of earlier calls. */
function revertAdditions({ pod, policy, namespaceFacts }: PlacementInput): Original {
  const annotations = readPodAnnotations(pod);
  const annotation = annotations[ANNOTATION_DECISION];
  const record = readDecision(annotations);
  if (record === undefined || policy === undefined) return { pod, removed: [], annotation };
  const namespaceKeys = readSelectorKeys(namespaceFacts?.annotations[ANNOTATION_NODE_SELECTOR]);
  return { ...revert(pod, record, policy.spec.copyLabelsToNodeAffinity, namespaceKeys), annotation };
}

/** Returns the keys of a namespace's node selector, which has the form `key=value,key=value`. */
function readSelectorKeys(text = ''): readonly string[] {
  return text.split(',').map((part) => part.replace(/=.*$/su, '').trim());
}
