import type { ContainerEvidence, PodFacts, TerminatedEvidence } from '../kubernetes/facts.ts';
import { READY_AFTER_MS } from './has-run.ts';

/** The crashes that a pod's status shows while the pod is not Ready. Times in epoch milliseconds. */
export interface CrashesInStatus {
  /** Since this time, or an earlier one, the pod has not been Ready for {@link READY_AFTER_MS}. */
  readonly unreadySinceMs: number;
  /** The times of the restarts that the status shows, by container name. Lists are ascending and never empty. */
  readonly restartsAtMs: ReadonlyMap<string, readonly number[]>;
}

type CrashingPod = Pick<PodFacts, 'ready' | 'containers'>;

/**
 * R10: derives from a pod's status what happened before this process started. Both values are lower bounds, so that a pod is evicted
 * later than by a process that observed everything, never earlier:
 *
 * - A status shows the times of the two latest runs of a container at most, while `restartCount` counts all of them. The
 *   others have no known time and are not counted.
 * - A pod without a readiness probe is Ready for a moment at each restart, which moves the time of its condition. For the time before
 *   that, only the two latest runs show that the pod was not Ready for long.
 *
 * Returns undefined for a Ready pod (its containers' times are not stored), and when no restart has a time.
 */
export function crashesInStatus(pod: CrashingPod): CrashesInStatus | undefined {
  if (pod.ready.value) return undefined;
  const restarts = pod.containers.map((container) => [container.name, restartTimes(container)] as const);
  const restartsAtMs = new Map(restarts.filter(([, times]) => times.length > 0));
  return restartsAtMs.size === 0 ? undefined : { unreadySinceMs: unreadySinceMs(pod), restartsAtMs };
}

/** The time since when a pod that is not Ready has certainly not been Ready for {@link READY_AFTER_MS}, epoch milliseconds. */
export function unreadySinceMs({ ready, containers }: CrashingPod): number {
  return Math.min(ready.sinceMs, ...containers.map((container) => failingSinceMs(container, ready.sinceMs)));
}

/**
 * The start of the earliest run that the status shows, if it and all later runs failed within {@link READY_AFTER_MS}; else Infinity.
 * While a container keeps failing, init containers included, its pod is not Ready in between.
 *
 * @param unreadySince when the pod lost its readiness
 */
function failingSinceMs(
  { running, runningSinceMs, terminated, lastTerminated }: ContainerEvidence,
  unreadySince: number,
): number {
  const earlier = startOfFailure(lastTerminated) ?? Infinity;
  if (terminated !== undefined) {
    const latest = startOfFailure(terminated);
    return latest === undefined ? Infinity : Math.min(latest, earlier);
  }
  if (!running) return earlier;
  // The present run may have made the pod Ready before the pod lost its readiness.
  return runningSinceMs !== undefined && unreadySince - runningSinceMs < READY_AFTER_MS ? earlier : Infinity;
}

/** Undefined for a run that succeeded, lasted {@link READY_AFTER_MS}, or has no times. */
function startOfFailure(end: TerminatedEvidence | undefined): number | undefined {
  if (end === undefined || end.exitCode === 0 || (end.seconds ?? Infinity) * 1_000 >= READY_AFTER_MS) return undefined;
  return getStart(end);
}

function getStart({ seconds, finishedAtMs }: TerminatedEvidence): number | undefined {
  return seconds === undefined || finishedAtMs === undefined ? undefined : finishedAtMs - seconds * 1_000;
}

/** The times of the restarts that the status shows: each run but the first begins with one. */
function restartTimes({
  restartCount,
  runningSinceMs,
  terminated,
  lastTerminated,
}: ContainerEvidence): readonly number[] {
  const present = runningSinceMs ?? (terminated && getStart(terminated));
  const last = lastTerminated && getStart(lastTerminated);
  // While the container waits for its next start, `restartCount` counts the restart that began the last run.
  const isPast = runningSinceMs === undefined && terminated === undefined;
  const times = [restartCount >= (isPast ? 1 : 2) ? last : undefined, restartCount >= 1 ? present : undefined];
  return times.filter((time) => time !== undefined);
}
