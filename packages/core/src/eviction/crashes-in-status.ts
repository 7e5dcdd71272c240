import type { ContainerEvidence, PodFacts, TerminatedEvidence } from '../kubernetes/facts.ts';
import { READY_AFTER_MS } from './has-run.ts';

type CrashingPod = Pick<PodFacts, 'ready' | 'containers' | 'createdAtMs'>;

/**
 * R10: returns a number of milliseconds for which a pod has certainly never been Ready for as long as {@link READY_AFTER_MS}. The pod is
 * not Ready now. The true time may be longer:
 *
 * - The result ends at the latest time in the status, because all its times are of one clock, that of the node. Compared with the clock of
 *   this process, they would be wrong by the difference of the two clocks.
 * - A pod without a readiness probe is Ready for a moment at each restart, so the time of its Ready condition is that of the latest
 *   restart. Whether the pod was Ready for long before that time is known only from the two latest runs.
 */
export function unreadyForMs(pod: CrashingPod): number {
  const { ready, containers, createdAtMs } = pod;
  // A condition without a time has the time of creation, which is of the API server's clock.
  const sinceMs = ready.sinceMs === createdAtMs ? Infinity : ready.sinceMs;
  const earliest = Math.min(sinceMs, ...containers.map((container) => failingSinceMs(container, sinceMs)));
  return Math.max(0, latestTimeMs(pod) - earliest);
}

/**
 * R10: returns how long ago a container restarted before its present restart, as far as the status before that restart shows it: in
 * milliseconds, the earliest first, at most two. The times of a Ready pod's containers are not stored.
 *
 * @param pod the pod at its present restart, which its status shows. The difference of two times of its node counts, as in
 *   {@link unreadyForMs}.
 */
export function earlierRestartsAgoMs(previous: CrashingPod, pod: CrashingPod, name: string): readonly number[] {
  const container = previous.containers.find((one) => one.name === name);
  if (container === undefined) return [];
  const nowMs = Math.max(latestTimeMs(previous), latestTimeMs(pod));
  return restartTimes(container).map((atMs) => nowMs - atMs);
}

/** Returns the latest time that the node has written to the status. It is not later than the present by the node's clock. */
function latestTimeMs({ ready, containers }: Pick<PodFacts, 'ready' | 'containers'>): number {
  const times = containers.flatMap(({ runningSinceMs, terminated, lastTerminated }) =>
    [runningSinceMs, terminated?.finishedAtMs, lastTerminated?.finishedAtMs].filter((time) => time !== undefined),
  );
  return Math.max(ready.sinceMs, ...times);
}

/**
 * Returns the start of the earliest run that the status shows, if this run and all later ones failed within
 * {@link READY_AFTER_MS}; else Infinity. While a container or init container fails in this way, the pod is never Ready
 * for as long as {@link READY_AFTER_MS}.
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
  // A run that began at least READY_AFTER_MS before the pod lost its readiness may have kept the pod Ready for that
  // long.
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
