import type { DecisiveVerdict, ProbeVerdict } from './probe-verdict.ts';
import type { Diagnosis } from './unreachable-cause.ts';

/**
 * How long a successful probe is valid for an eviction (docs/adr/0004). For this time, evictions can continue after the
 * webhook has become unreachable, and the replacements are likely to be misplaced again.
 */
const PROBE_VALID_MS = 1_000;
/** Interval of the probes of a reachable webhook, in every mode (docs/adr/0131). */
const PROBE_INTERVAL_MS = 60_000;
/** Delay after a probe without success. It doubles with each further one. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** Longest delay that the API server can request. */
const MAX_RETRY_AFTER_MS = 30_000;
/** How long probes can have no verdict until that is reported. */
const NO_VERDICT_REPORTED_MS = 60_000;

/** What the probes have shown until now. Times are monotonic milliseconds. */
export interface ProbeState {
  /** The last verdict about the webhook or the probe itself. Undefined before the first one. */
  readonly verdict: DecisiveVerdict | undefined;
  /** Set while the last probe had no verdict. */
  readonly noVerdict:
    { readonly sinceMs: number; readonly status: number | undefined; readonly words: string } | undefined;
  /** Why the webhook is silent. Undefined until it is determined, and while it is not silent. */
  readonly diagnosis: Diagnosis | undefined;
  /** Whether the webhook was silent at the last verdict, and its diagnosis is older than that. */
  readonly needsDiagnosis: boolean;
  /** Number of consecutive probes without success. */
  readonly failures: number;
  /** When the next probe is due. */
  readonly nextAtMs: number;
  /** Until when no further probe is needed before an eviction. */
  readonly validUntilMs: number;
}

export const NOT_PROBED: ProbeState = {
  verdict: undefined,
  noVerdict: undefined,
  diagnosis: undefined,
  needsDiagnosis: false,
  failures: 0,
  nextAtMs: -Infinity,
  validUntilMs: -Infinity,
};

/** Returns the state after a probe. */
export function afterProbe(state: ProbeState, verdict: ProbeVerdict, nowMs: number): ProbeState {
  if (verdict.kind === 'answered') {
    return { ...NOT_PROBED, verdict, nextAtMs: nowMs + PROBE_INTERVAL_MS, validUntilMs: nowMs + PROBE_VALID_MS };
  }
  const failures = state.failures + 1;
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** state.failures, MAX_RETRY_MS);
  const failed = { ...state, failures, nextAtMs: nowMs + delayMs, validUntilMs: -Infinity };
  if (verdict.kind !== 'no-verdict') {
    const needsDiagnosis = verdict.kind === 'silent';
    const diagnosis = needsDiagnosis ? state.diagnosis : undefined;
    return { ...failed, verdict, noVerdict: undefined, diagnosis, needsDiagnosis };
  }
  const { status, words, retryAfterMs } = verdict;
  const noVerdict = { sinceMs: state.noVerdict?.sinceMs ?? nowMs, status, words };
  return { ...failed, noVerdict, nextAtMs: nowMs + Math.max(delayMs, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)) };
}

/**
 * Returns the state while the webhook's Lease is stale: a probe is due as soon as the Lease is fresh, because the webhook
 * may have been replaced.
 */
export function whileLeaseIsStale(state: ProbeState): ProbeState {
  if (state.nextAtMs === -Infinity) return state;
  const verdict = state.verdict?.kind === 'answered' ? undefined : state.verdict;
  return { ...state, verdict, nextAtMs: -Infinity, validUntilMs: -Infinity };
}

/** Whether the last probe succeeded. Before the first probe it is true, because one precedes each eviction. */
export function isPassing({ verdict, noVerdict }: ProbeState): boolean {
  return noVerdict === undefined && (verdict === undefined || verdict.kind === 'answered');
}

/** Whether the API server has given no verdict for so long that it must be reported. */
export function hasNoVerdictForLong({ noVerdict }: ProbeState, nowMs: number): boolean {
  return noVerdict !== undefined && nowMs >= noVerdict.sinceMs + NO_VERDICT_REPORTED_MS;
}
