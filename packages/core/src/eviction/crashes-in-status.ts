import type { ContainerEvidence, PodFacts, TerminatedEvidence } from '../kubernetes/facts.ts';
import { READY_AFTER_MS } from './has-run.ts';

/** What the status of a pod that is not Ready shows of its crashes. Epoch milliseconds. */
export interface CrashesInStatus {
  /** It has not been Ready for {@link READY_AFTER_MS} since then, or since an earlier time. */
  readonly unreadySinceMs: number;
  /** By the name of the container: the restarts whose times the status shows, ascending. Never empty lists. */
  readonly restartsAtMs: ReadonlyMap<string, readonly number[]>;
}

type CrashingPod = Pick<PodFacts, 'ready' | 'containers'>;

/**
 * R10: what a process that starts can conclude of the time before. Both values are lower bounds, so that a pod is evicted later than
 * by a process that observed everything, never earlier:
 *
 * - A status shows the times of the two latest runs of a container at most, while `restartCount` counts all of them. When the
 *   others were is not known: they are not counted.
 * - A pod without a readiness probe is Ready for a moment at each restart, which moves the time of its condition. Beyond it, only
 *   the two latest runs show that the pod was not Ready for long.
 *
 * Undefined for a pod that is Ready (its containers' times are not kept), and where no restart has a time.
 */
export function crashesInStatus(pod: CrashingPod): CrashesInStatus | undefined {
  if (pod.ready.value) return undefined;
  const restarts = pod.containers.map((container) => [container.name, restartTimes(container)] as const);
  const restartsAtMs = new Map(restarts.filter(([, times]) => times.length > 0));
  return restartsAtMs.size === 0 ? undefined : { unreadySinceMs: unreadySinceMs(pod), restartsAtMs };
}

/** Since when a pod that is not Ready has certainly not been Ready for {@link READY_AFTER_MS}. Epoch milliseconds. */
export function unreadySinceMs({ ready, containers }: CrashingPod): number {
  return Math.min(ready.sinceMs, ...containers.map((container) => failingSinceMs(container, ready.sinceMs)));
}

/**
 * The start of the earliest run that the status shows, when that and all later ones failed within {@link READY_AFTER_MS}. While a
 * container fails, init containers included, its pod is not Ready in between.
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
  // The present run can have made the pod Ready until it lost its readiness.
  return runningSinceMs !== undefined && unreadySince - runningSinceMs < READY_AFTER_MS ? earlier : Infinity;
}

/** Undefined for a run that succeeded, lasted, or has no times. */
function startOfFailure(end: TerminatedEvidence | undefined): number | undefined {
  if (end === undefined || end.exitCode === 0 || (end.seconds ?? Infinity) * 1_000 >= READY_AFTER_MS) return undefined;
  return startOf(end);
}

function startOf({ seconds, finishedAtMs }: TerminatedEvidence): number | undefined {
  return seconds === undefined || finishedAtMs === undefined ? undefined : finishedAtMs - seconds * 1_000;
}

/** Each run but the first begins with a restart. */
function restartTimes({
  restartCount,
  runningSinceMs,
  terminated,
  lastTerminated,
}: ContainerEvidence): readonly number[] {
  const present = runningSinceMs ?? (terminated && startOf(terminated));
  const last = lastTerminated && startOf(lastTerminated);
  // While the container waits for its next start, `restartCount` counts the restart that began the last run.
  const isPast = runningSinceMs === undefined && terminated === undefined;
  const times = [restartCount >= (isPast ? 1 : 2) ? last : undefined, restartCount >= 1 ? present : undefined];
  return times.filter((time) => time !== undefined);
}
