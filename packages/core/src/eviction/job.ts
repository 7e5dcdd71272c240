import { isJsonObject } from '../json/json.ts';
import type { Json, JsonObject } from '../json/json.ts';

/** The facts of a Job that decide whether it survives the eviction of one of its pods (R2). */
export interface JobFacts {
  /** Whether the Job starts no further pod: it is complete, failed, suspended or being deleted. */
  readonly ended: boolean;
  readonly backoffLimit: number;
  /** Whether the Job counts failures per index. If so, a single failure may fail an index permanently. */
  readonly backoffLimitPerIndex: boolean;
  /** Number of the Job's pods that have failed so far. */
  readonly failed: number;
  /**
   * How the Job's `podFailurePolicy` treats a pod with the condition `DisruptionTarget`:
   *
   * - `Ignored`: a rule ignores the pod, and no rule before it fails the Job or an index.
   * - `MayFail`: a rule that fails the Job or an index could match first.
   * - `Counted`: the pod counts as a failure.
   */
  readonly onDisruption: 'Ignored' | 'Counted' | 'MayFail';
}

/** The API's default of `spec.backoffLimit`. The API server sets it at admission, so only old objects lack the field. */
const DEFAULT_BACKOFF_LIMIT = 6;

const ENDING_CONDITIONS: ReadonlySet<Json | undefined> = new Set([
  'Complete',
  'Failed',
  'FailureTarget',
  'SuccessCriteriaMet',
]);

/**
 * Parses a Job as the API server returns it. Returns undefined if `raw` is not a Job.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
 * @example {"spec":{"backoffLimit":6,"podFailurePolicy":{"rules":[{"action":"Ignore",
 *   "onPodConditions":[{"type":"DisruptionTarget","status":"True"}]}]}},"status":{"failed":1}}
 */
export function parseJobFacts(raw: Json): JobFacts | undefined {
  if (!isJsonObject(raw) || !isJsonObject(raw['spec'])) return undefined;
  const spec = raw['spec'];
  const status = isJsonObject(raw['status']) ? raw['status'] : {};
  const metadata = isJsonObject(raw['metadata']) ? raw['metadata'] : {};
  return {
    ended: spec['suspend'] === true || metadata['deletionTimestamp'] !== undefined || hasEnded(status),
    backoffLimit: count(spec['backoffLimit'], DEFAULT_BACKOFF_LIMIT),
    backoffLimitPerIndex: spec['backoffLimitPerIndex'] !== undefined && spec['backoffLimitPerIndex'] !== null,
    failed: count(status['failed'], 0),
    onDisruption: onDisruption(spec),
  };
}

function hasEnded(status: JsonObject): boolean {
  return objects(status['conditions']).some(
    (condition) => condition['status'] === 'True' && ENDING_CONDITIONS.has(condition['type']),
  );
}

/**
 * Reads the rules in order, because the first rule that matches decides: a rule that fails the Job may precede a rule
 * that ignores the pod.
 */
function onDisruption(spec: JsonObject): JobFacts['onDisruption'] {
  const policy = isJsonObject(spec['podFailurePolicy']) ? spec['podFailurePolicy'] : {};
  for (const rule of objects(policy['rules'])) {
    const { action } = rule;
    if (action === 'FailJob' || action === 'FailIndex') return 'MayFail';
    if (matchesDisruption(rule)) return action === 'Ignore' ? 'Ignored' : 'Counted';
  }
  return 'Counted';
}

function matchesDisruption(rule: JsonObject): boolean {
  return objects(rule['onPodConditions']).some(
    ({ type, status }) => type === 'DisruptionTarget' && (status === undefined || status === 'True'),
  );
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

function count(value: Json | undefined, absent: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : absent;
}
