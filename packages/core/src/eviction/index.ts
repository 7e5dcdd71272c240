export { isAgainstTerms } from './against-terms.ts';
export { assessPlacement } from './assess.ts';
export type { AssessmentInput, PlacementAssessment } from './assess.ts';
export { BRAKE_FAULTS, BRAKE_NAMESPACES, BRAKE_OWNERS, BRAKE_WINDOW_MS } from './brake.ts';
export type { BrakeLimit, BrakeState, Fault } from './brake.ts';
export { decideEviction, needsRelaxation } from './decide.ts';
export { LEAVE_REASONS, REPORT_REASONS, WAIT_REASONS } from './decision.ts';
export type {
  EvictionDecision,
  EvictionPreconditions,
  LastTry,
  LeaveReason,
  ReportReason,
  WaitReason,
} from './decision.ts';
export { crashesInStatus, unreadySinceMs } from './crashes-in-status.ts';
export type { CrashesInStatus } from './crashes-in-status.ts';
export { isRefusal, readSignals, signalStrength } from './evidence.ts';
export type { PodSignal, Signal } from './evidence.ts';
export {
  CRASHING_AFTER_MS,
  CRASHING_RESTARTS,
  hasRun,
  isRefused,
  outlastsCrashLoop,
  READY_AFTER_MS,
} from './has-run.ts';
export type { CrashHistory, RunEvidence } from './has-run.ts';
export type { EvictionInput, RemediationPolicy } from './input.ts';
export { parseInstalledWebhook, webhookCall } from './installed-webhook.ts';
export type { InstalledWebhook, WebhookCall } from './installed-webhook.ts';
export { parseJobFacts } from './job.ts';
export type { JobFacts } from './job.ts';
export { forecastReplacement } from './replacement-forecast.ts';
export type { ReplacementForecast } from './replacement-forecast.ts';
export {
  EvictionLedger,
  LANDING_DEADLINE_MS,
  LANDINGS,
  PLACE_HELD_MS,
  PLACES_PER_OWNER,
  PLACES_PER_OWNER_AT_START,
  RUNNING_PLACE_HELD_MS,
} from './ledger.ts';
export type { EvictionAccount, EvictionLimit, Landing } from './ledger.ts';
export {
  isUnschedulable,
  narrowedTo,
  NOMINATED_AFTER_MS,
  RELAXED_FOR_MS,
  relaxingHelps,
  stuckWorkload,
  UNSCHEDULABLE_AFTER_MS,
  unschedulableAfterMs,
} from './unschedulable.ts';
export type { StuckWorkload, Unschedulable } from './unschedulable.ts';
export { ownedByJob, replacementOf } from './owner.ts';
export type { NotReplacedReason, Replacement } from './owner.ts';
export { runsAllTheSame } from './rules.ts';
export { suspectPlatforms } from './missing-platform.ts';
export type { SuspectPlatform } from './missing-platform.ts';
