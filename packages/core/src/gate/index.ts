export { escalates, passesDryRun, parseLiftResponse, nextLiftStep } from './lift-response.ts';
export type { LiftResponse, LiftProgress, LiftStep } from './lift-response.ts';
export { decideGate } from './decide.ts';
export type { GateDecision, GatedPodInput } from './decide.ts';
export { liftEvent, refusedEvent, waitEvent } from './explain.ts';
export type { GateEvent, GateEventReason, LiftedPod } from './explain.ts';
export { gateOnly, isSamePatch, PATCH_LEVELS, patchFallbacks } from './lift.ts';
export type { Lifting, LiftPatch, PatchFallbacks, PatchLevel } from './lift.ts';
export { inspectionRetryDelayMs, liftRetryDelayMs } from './retry.ts';
