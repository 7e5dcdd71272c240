export { parseDurationMs } from './duration.ts';
export { isLabelKey, isLabelValue } from './label-syntax.ts';
export { isValidSelector, matchesSelector } from './label-selector.ts';
export type { LabelSelector, LabelSelectorRequirement } from './label-selector.ts';
export { MAX_RELAXED } from './status.ts';
export {
  countActiveRelaxations,
  coversPod,
  isRelaxedAt,
  parseRelaxation,
  RELAXATION_HISTORY_MS,
  SCOPE_ARCHITECTURE,
  SCOPE_NAMESPACE,
} from './relaxed.ts';
export type { Relaxation, RelaxedPod } from './relaxed.ts';
export type { TolerationVerdict } from './status.ts';
export { countedArchitecture } from './counted-architecture.ts';
export type { CountedArchitecture } from './counted-architecture.ts';
export { archPolicyJsonSchemas } from './json-schema.ts';
export type { SchemaDocument } from './json-schema.ts';
export { parseArchPolicy } from './arch-policy.ts';
export type {
  ArchPolicy,
  ArchPolicyCondition,
  ArchPolicySpec,
  ArchPolicyStatus,
  PolicyProblem,
} from './arch-policy.ts';
export { governs, selectPolicy } from './select-policy.ts';
export { findRival, findShadow } from './overlap.ts';
