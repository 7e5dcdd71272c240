export { violatesArchitectureTerms } from './architecture-violation.ts';
export { assessPlacement } from './assess.ts';
export type { AssessmentInput, PlacementAssessment } from './assess.ts';
export { BlockedBudgets } from './blocked-budgets.ts';
export type { BlockedBudget, BudgetAccount, BudgetedPod, BudgetRejection } from './blocked-budgets.ts';
export { BRAKE_VIOLATIONS, BRAKE_NAMESPACES, BRAKE_OWNERS, BRAKE_WINDOW_MS } from './brake.ts';
export type { BrakeLimit, BrakeState, PlacementViolation } from './brake.ts';
export { decideEviction, needsRelaxation } from './decide.ts';
export { LEAVE_REASONS, REPORT_REASONS, WAIT_REASONS } from './decision.ts';
export type {
  EvictionDecision,
  EvictionPreconditions,
  LastAttempt,
  LeaveReason,
  ReportReason,
  WaitReason,
} from './decision.ts';
export { earlierRestartsAgoMs, unreadyForMs } from './crashes-in-status.ts';
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
export { callTimeoutMs, DIAGNOSIS_LABELS, DIAGNOSIS_WEBHOOK, reportsFailures } from './webhook-calls.ts';
export type { InstalledWebhook, WebhookCall } from './installed-webhook.ts';
export { parseJobFacts } from './job.ts';
export type { JobFacts } from './job.ts';
export { forecastReplacement } from './replacement-forecast.ts';
export type { ReplacementForecast } from './replacement-forecast.ts';
export { EvictionLedger } from './ledger.ts';
export type { EvictionAccount, EvictionLimit } from './ledger.ts';
export {
  LANDING_DEADLINE_MS,
  PLACEMENT_OUTCOMES,
  SLOT_HELD_MS,
  SLOTS_PER_OWNER,
  SLOTS_PER_OWNER_AT_START,
  SLOT_HELD_AFTER_RUN_MS,
} from './slot-limits.ts';
export type { PlacementOutcome } from './slot-limits.ts';
export {
  isUnschedulable,
  requiredArchitecture,
  requiredArchitectures,
  NOMINATED_AFTER_MS,
  RELAXED_FOR_MS,
  relaxingHelps,
  reservedBy,
  stuckWorkload,
  UNSCHEDULABLE_AFTER_MS,
  unschedulableAfterMs,
} from './unschedulable.ts';
export type { StuckWorkload, Unschedulable } from './unschedulable.ts';
export { EvictionPace } from './pace.ts';
export type { PaceLevels, PaceLimit, PolicyRate } from './pace.ts';
export { isOwnedByJob, evaluateReplacement } from './owner.ts';
export type { NotReplacedReason, ReplacementByOwner } from './owner.ts';
export { runsDespiteImages } from './rules.ts';
export { suspectPlatforms } from './missing-platform.ts';
export type { SuspectPlatform } from './missing-platform.ts';
export { encodeSafetyRecord, MAX_RECORD_BYTES, parseSafetyRecord, recordAgeMs, stoppedState } from './safety-record.ts';
export type { ParsedSafetyRecord, SafetyRecord } from './safety-record.ts';
export type { SafetyState, SlotState } from './safety-state.ts';
