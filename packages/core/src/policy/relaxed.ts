import { parseTimestampMs } from '../kubernetes/timestamp.ts';
import type { ArchPolicyStatus } from './arch-policy.ts';

type RelaxedEntry = NonNullable<ArchPolicyStatus['relaxed']>[number];

/** A workload that is unschedulable again within this time after a relaxation is relaxed for twice as long, up to this time. */
export const RELAXATION_HISTORY_MS = 24 * 60 * 60_000;

/** When a relaxation applies. Epoch milliseconds. */
interface Period {
  /** Absent in entries of older versions. */
  readonly sinceMs?: number;
  readonly untilMs: number;
}

/**
 * What an entry of `status.relaxed` relaxes (R9), by its `scope`, which is absent for a workload:
 *
 * - workload: every preference, for the pods of one workload
 * - namespace: the preference for one architecture, for the pods of one namespace
 * - architecture: the preference for one architecture, for all pods of the policy
 */
export type Relaxation = Period &
  (
    | { readonly kind: 'workload'; readonly workload: string; readonly architecture?: string }
    | { readonly kind: 'namespace'; readonly namespace: string; readonly architecture: string }
    | { readonly kind: 'architecture'; readonly architecture: string }
  );

/** `scope` of entries for more than one workload. */
export const SCOPE_NAMESPACE = 'Namespace';
export const SCOPE_ARCHITECTURE = 'Architecture';

/** The properties of a pod that relaxing depends on. */
export interface RelaxedPod {
  readonly namespace: string;
  /** The key by `workloadKey`. */
  readonly workload: string;
}

/**
 * Parses an entry. Returns undefined for an entry of unknown form, which another version wrote, and for one without a valid
 * time: they relax nothing.
 */
export function parseRelaxation(entry: RelaxedEntry): Relaxation | undefined {
  const { scope, owner, namespace, architecture } = entry;
  const period = parsePeriod(entry);
  if (period === undefined) return undefined;
  switch (scope) {
    case undefined:
      if (owner === undefined) return undefined;
      return { kind: 'workload', workload: owner, ...(architecture !== undefined && { architecture }), ...period };
    case SCOPE_NAMESPACE:
      if (namespace === undefined || architecture === undefined) return undefined;
      return { kind: 'namespace', namespace, architecture, ...period };
    case SCOPE_ARCHITECTURE:
      return architecture === undefined ? undefined : { kind: 'architecture', architecture, ...period };
    default:
      return undefined;
  }
}

function parsePeriod({ since, until }: RelaxedEntry): Period | undefined {
  const [sinceMs, untilMs] = [parseTimestampMs(since ?? ''), parseTimestampMs(until ?? '')];
  return untilMs === undefined ? undefined : { ...(sinceMs !== undefined && { sinceMs }), untilMs };
}

/** Returns whether any entry is active now: expired entries are kept for a day. */
export function relaxesAnything(relaxed: readonly RelaxedEntry[], nowMs: number): boolean {
  return relaxed.some((entry) => (parseRelaxation(entry)?.untilMs ?? nowMs) > nowMs);
}

/**
 * R9: returns whether the preference for an architecture is relaxed for a pod now.
 *
 * @param architecture absent: whether every preference is
 * @param nowMs epoch milliseconds
 */
export function isRelaxedAt(
  relaxed: readonly RelaxedEntry[],
  { workload, namespace }: RelaxedPod,
  nowMs: number,
  architecture?: string,
): boolean {
  return relaxed.some((entry) => {
    const relaxation = parseRelaxation(entry);
    if (relaxation === undefined || relaxation.untilMs <= nowMs) return false;
    switch (relaxation.kind) {
      case 'workload':
        return relaxation.workload === workload;
      case 'namespace':
        return relaxation.namespace === namespace && relaxation.architecture === architecture;
      case 'architecture':
        return relaxation.architecture === architecture;
    }
  });
}
