import type { ContainerEvidence, PodFacts, TerminatedEvidence } from '../kubernetes/facts.ts';
import { READY_AFTER_MS } from './has-run.ts';

/** The crashes that a pod's status shows while the pod is not Ready. Times in epoch milliseconds. */
export interface CrashesInStatus {
  /** A time since which the pod has never been Ready for as long as {@link READY_AFTER_MS}. The true time may be earlier. */
  readonly unreadySinceMs: number;
  /** Maps a container name to the times of the restarts that the status shows. Lists are ascending and never empty. */
  readonly restartsAtMs: ReadonlyMap<string, readonly number[]>;
}

type CrashingPod = Pick<PodFacts, 'ready' | 'containers'>;

/**
 * R10: derives from a pod's status the crashes before this process started. The result shows at most the real number of restarts and
 * the real time without readiness. So a process that started later may evict the pod later, but never earlier:
 *
 * - `restartCount` counts all restarts, but a status shows the times of at most the two latest runs of a container. Restarts without
 *   a known time are not counted.
 * - A pod without a readiness probe is Ready for a moment at each restart, so the time of its Ready condition is that of the latest
 *   restart. Whether the pod was Ready for long before that time is known only from the two latest runs.
 *
 * Returns undefined for a Ready pod, because the times of its containers are not stored, and for a pod whose restarts have no times.
 */
export function crashesInStatus(pod: CrashingPod): CrashesInStatus | undefined {
  if (pod.ready.value) return undefined;
  const restarts = pod.containers.map((container) => [container.name, restartTimes(container)] as const);
  const restartsAtMs = new Map(restarts.filter(([, times]) => times.length > 0));
  return restartsAtMs.size === 0 ? undefined : { unreadySinceMs: unreadySinceMs(pod), restartsAtMs };
}

/**
 * Returns a time (epoch milliseconds) since which the pod has certainly never been Ready for as long as {@link READY_AFTER_MS}. The pod
 * is not Ready now.
 */
export function unreadySinceMs({ ready, containers }: CrashingPod): number {
  return Math.min(ready.sinceMs, ...containers.map((container) => failingSinceMs(container, ready.sinceMs)));
}

/**
 * Returns the start of the earliest run that the status shows, if this run and all later ones failed within {@link READY_AFTER_MS};
 * else Infinity. Between such failures of a container or init container, the pod was not Ready for as long as that.
 *
 * @param unreadySince the time at which the pod lost its readiness
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
  // A run that began READY_AFTER_MS before the pod lost its readiness may have kept the pod Ready for that long.
  return runningSinceMs !== undefined && unreadySince - runningSinceMs < READY_AFTER_MS ? earlier : Infinity;
}

/** Returns the start of a failed run; undefined if the run succeeded, lasted {@link READY_AFTER_MS}, or has no times. */
function startOfFailure(end: TerminatedEvidence | undefined): number | undefined {
  if (end === undefined || end.exitCode === 0 || (end.seconds ?? Infinity) * 1_000 >= READY_AFTER_MS) return undefined;
  return getStart(end);
}

function getStart({ seconds, finishedAtMs }: TerminatedEvidence): number | undefined {
  return seconds === undefined || finishedAtMs === undefined ? undefined : finishedAtMs - seconds * 1_000;
}

/** Returns the times of the restarts that the status shows. Each run except the container's first begins with a restart. */
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
