import { parseTimestampMs } from '../kubernetes/timestamp.ts';
import type { ArchPolicyStatus } from './arch-policy.ts';

type RelaxedEntry = NonNullable<ArchPolicyStatus['relaxed']>[number];

/**
 * How long an expired relaxation is kept. If the workload is unschedulable again within this time, the next relaxation
 * is twice as long, but at most as long as this time.
 */
export const RELAXATION_HISTORY_MS = 24 * 60 * 60_000;

/** The period in which a relaxation applies, in epoch milliseconds. */
interface Period {
  /** Absent in entries that an older version wrote. */
  readonly sinceMs?: number;
  readonly untilMs: number;
}

/**
 * A parsed entry of `status.relaxed` (R9). The field `scope`, which is absent for a workload, determines what the entry
 * relaxes:
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

/** The values of `scope` for entries that relax more than one workload. */
export const SCOPE_NAMESPACE = 'Namespace';
export const SCOPE_ARCHITECTURE = 'Architecture';

/** The properties of a pod that determine which relaxations apply to it. */
export interface RelaxedPod {
  readonly namespace: string;
  /** The key of the workload, from `workloadKey`. */
  readonly workload: string;
}

/**
 * Parses an entry. Returns undefined if its form is unknown, because another version wrote it, or if it has no valid
 * time. Such an entry relaxes nothing.
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

/** The valid entries of each status. A status has up to 200, and every placement with the policy reads them. */
const parsedEntries = new WeakMap<readonly RelaxedEntry[], readonly Relaxation[]>();

function parseRelaxations(relaxed: readonly RelaxedEntry[]): readonly Relaxation[] {
  const known = parsedEntries.get(relaxed);
  if (known !== undefined) return known;
  const relaxations = relaxed.map(parseRelaxation).filter((relaxation) => relaxation !== undefined);
  parsedEntries.set(relaxed, relaxations);
  return relaxations;
}

/**
 * Returns the number of entries that are active now. Expired entries are kept for a day. For one status, this number identifies the
 * active entries, because they expire in the order of their times.
 */
export function countActiveRelaxations(relaxed: readonly RelaxedEntry[], nowMs: number): number {
  let count = 0;
  for (const { untilMs } of parseRelaxations(relaxed)) if (untilMs > nowMs) count += 1;
  return count;
}

/**
 * R9: returns whether the preference for an architecture is relaxed for a pod now.
 *
 * @param architecture if absent, returns whether every preference is relaxed
 * @param nowMs epoch milliseconds
 */
export function isRelaxedAt(
  relaxed: readonly RelaxedEntry[],
  pod: RelaxedPod,
  nowMs: number,
  architecture?: string,
): boolean {
  return parseRelaxations(relaxed).some(
    (relaxation) => relaxation.untilMs > nowMs && coversPod(relaxation, pod, architecture),
  );
}

/**
 * Whether a relaxation, active or expired, is for the preference for an architecture of a pod.
 *
 * @param architecture if absent, returns whether the relaxation is for every preference
 */
export function coversPod(
  relaxation: Relaxation,
  { workload, namespace }: RelaxedPod,
  architecture: string | undefined,
): boolean {
  switch (relaxation.kind) {
    case 'workload':
      return relaxation.workload === workload;
    case 'namespace':
      return relaxation.namespace === namespace && relaxation.architecture === architecture;
    case 'architecture':
      return relaxation.architecture === architecture;
  }
}
