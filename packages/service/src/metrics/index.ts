export { declareBuildInfo } from './build-info.ts';
export type { Build } from './build-info.ts';
export * from './enum-metrics.ts';
export { declareInspectionMetrics } from './inspection.ts';
export type { InspectionCounts } from './inspection.ts';
export { declarePullSecretMetrics } from './pull-secrets.ts';
export { declareReflectorMetrics } from './reflector.ts';
export type { ReflectorCounts } from './reflector.ts';
