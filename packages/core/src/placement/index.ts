export { architectureToleration } from './architecture-taints.ts';
export { isUntouched, PLACEMENT_REASONS } from './decision.ts';
export type {
  Deny as PlacementDenial,
  PlacementDecision,
  PlacementReason,
  PlacementWarning,
  PreferredArchitecture,
} from './decision.ts';
export type { PlacementInput } from './input.ts';
export { applyPatch, jsonEqual, pointer, pointerTokens } from './json-patch.ts';
export type { AppliedPatch, JsonPatchOperation } from './json-patch.ts';
export { decidePlacement, placePod } from './place-pod.ts';
export type { PodPlacement } from './place-pod.ts';
export { MAX_DECISION_BYTES, parseDecision, readDecision } from './annotation.ts';
export type { DecisionRecord, ParsedDecision } from './annotation.ts';
export { denialText, MAX_WARNING_LENGTH, warningText } from './warnings.ts';
export { computeBucket } from './workload.ts';
export { quote } from './quote.ts';
export { templateText } from './template.ts';
