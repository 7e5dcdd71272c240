export { isUntouched, PLACEMENT_REASONS } from './decision.ts';
export type { PlacementDecision, PlacementReason, PlacementWarning, UnresolvedImage } from './decision.ts';
export * from './input.ts';
export { applyPatch, jsonEqual, pointer, pointerTokens } from './json-patch.ts';
export type { AppliedPatch, JsonPatchOperation } from './json-patch.ts';
