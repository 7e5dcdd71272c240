import { boundAtMs } from '../kubernetes/facts.ts';
import type { ContainerEvidence, PodFacts } from '../kubernetes/facts.ts';
import { isRefusal, readSignals } from './evidence.ts';
import type { PodSignal } from './evidence.ts';

/**
 * How long a pod must be Ready to count as Ready, and how long a program must run to count as running. In a crash loop,
 * a pod is Ready for up to a second at each restart (docs/node-evidence.md, section 3). A program that the kernel
 * refuses ends within a second.
 */
export const READY_AFTER_MS = 10_000;

/**
 * Upper limit of the time between two exits of a container in a crash loop. The longest back-off of a kubelet is 5
 * minutes.
 */
const CRASH_LOOP_PERIOD_MS = 10 * 60_000;

/** A pod that has run counts as crashing if it has not been Ready for this long, and a container restarted this often in that time. */
export const CRASHING_AFTER_MS = 15 * 60_000;
export const CRASHING_RESTARTS = 3;

/**
 * The crashes of a pod (by UID) that this process observed, or derived from the pod's status. The real values may be
 * higher.
 */
export interface CrashHistory {
  /** Milliseconds since the pod was last Ready for {@link READY_AFTER_MS}. */
  readonly unreadyForMs: number;
  /** Maps the name of a container to its number of restarts within the last {@link CRASHING_AFTER_MS}. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** What shows whether a misplaced pod has run on the node to which it is bound. */
export interface RunEvidence {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: Pick<PodFacts, 'ready' | 'containers' | 'scheduled' | 'createdAtMs'>;
  /** The images that do not support the node, as `assessPlacement` returns them. */
  readonly images: readonly string[];
  /** Whether this process has observed that the pod (by UID) was Ready for {@link READY_AFTER_MS}. */
  readonly hasBeenReady: boolean;
  /** Absent if this process observed no restart of a container, and the pod's first status shows none. */
  readonly crashes?: CrashHistory;
  /** `gracePeriodAfterScheduling` of the policy, in milliseconds. */
  readonly graceMs: number;
}

/**
 * R10: returns whether the pod has run on its node, although an image does not declare the node's platform. Checks only containers
 * whose own image does not support the node, because a sidecar whose image supports the node runs in any case.
 */
export function hasRun({ nowMs, pod, images, hasBeenReady, graceMs }: RunEvidence): boolean {
  if (hasBeenReady) return true;
  const containers = selectContainers(pod, images);
  const provenMs = provenAfterMs(graceMs);
  if (containers.some((container) => hasSucceeded(container) || longestLifeMs(container, pod, nowMs) > provenMs)) {
    return true;
  }
  // The pod was Ready once, so all its containers had started. If the node refused the containers, they would have
  // ended repeatedly since then.
  const ageMs = nowMs - boundAtMs(pod);
  return pod.ready.turnedFalse === true && containers.every((container) => outlivedCrashLoop(container, ageMs));
}

/**
 * R10: returns the time (epoch milliseconds) at which a running container proves that the pod runs on the node.
 * Considers only containers whose image does not support the node; undefined if none of them is running. A program that
 * the kernel refuses would have ended by then.
 */
export function willHaveRunAtMs({ nowMs, pod, images, graceMs }: RunEvidence): number | undefined {
  const starts = selectContainers(pod, images).flatMap(({ running, runningSinceMs }) =>
    running && runningSinceMs !== undefined && runningSinceMs <= nowMs ? [runningSinceMs] : [],
  );
  return starts.length === 0 ? undefined : Math.min(...starts) + provenAfterMs(graceMs) + 1;
}

/**
 * R10: returns whether a pod that has run is now crashing. A pod is crashing if it has not been Ready for
 * {@link CRASHING_AFTER_MS}, and in that time a container whose image does not support the node has restarted at least
 * {@link CRASHING_RESTARTS} times.
 */
export function keepsCrashing({ pod, images, crashes }: Pick<RunEvidence, 'pod' | 'images' | 'crashes'>): boolean {
  if (crashes === undefined || crashes.unreadyForMs < CRASHING_AFTER_MS) return false;
  return selectContainers(pod, images).some(({ name }) => (crashes.restarts.get(name) ?? 0) >= CRASHING_RESTARTS);
}

function provenAfterMs(graceMs: number): number {
  return Math.max(graceMs, READY_AFTER_MS);
}

/**
 * Returns whether a container that ended only `ends` times within `elapsedMs` ran longer between two exits than a
 * container in a crash loop does.
 */
export function outlastsCrashLoop(elapsedMs: number, ends: number): boolean {
  return elapsedMs >= READY_AFTER_MS + ends * CRASH_LOOP_PERIOD_MS;
}

type RefusalEvidence = Pick<RunEvidence, 'nowMs' | 'images'> & { readonly pod: Pick<PodFacts, 'containers' | 'ready'> };

/**
 * R10: returns whether the runtime or the kernel has refused a container of one of these images. Ignores a refusal if the container
 * has been running since.
 */
export function isRefused(evidence: RefusalEvidence): boolean {
  return findRefusal(evidence) !== undefined;
}

/** Returns the strongest refusal and its container, or undefined. */
export function findRefusal({ nowMs, pod, images }: RefusalEvidence): PodSignal | undefined {
  const suspects = selectContainers(pod, images).filter(
    (container) => runningForMs(container, pod, nowMs) < READY_AFTER_MS,
  );
  const signal = readSignals(suspects);
  return isRefusal(signal.signal) ? signal : undefined;
}

function selectContainers(
  { containers }: Pick<PodFacts, 'containers'>,
  images: readonly string[],
): readonly ContainerEvidence[] {
  return containers.filter(({ image }) => images.includes(image));
}

/** Returns whether the container has ended with exit code 0. A program that the kernel refuses never ends with 0. */
function hasSucceeded({ terminated, lastTerminated }: ContainerEvidence): boolean {
  return terminated?.exitCode === 0 || lastTerminated?.exitCode === 0;
}

/** Returns the length of the longest run that the status shows: the present run, and the one or two runs before it. */
function longestLifeMs(container: ContainerEvidence, pod: Pick<PodFacts, 'ready'>, nowMs: number): number {
  const ended = [container.terminated, container.lastTerminated].map((end) => (end?.seconds ?? 0) * 1_000);
  return Math.max(runningForMs(container, pod, nowMs), ...ended);
}

/**
 * Returns how long the container has been running. The start times of a Ready pod's containers are not stored. For such a pod, the
 * time of the condition Ready is used, because all containers were running then.
 */
function runningForMs(
  { running, runningSinceMs }: ContainerEvidence,
  { ready }: Pick<PodFacts, 'ready'>,
  nowMs: number,
): number {
  const sinceMs = runningSinceMs ?? (running && ready.value ? ready.sinceMs : nowMs);
  return nowMs - sinceMs;
}

/**
 * Returns whether the container has run for longer than a container in a crash loop does.
 *
 * @param ageMs time since the pod was bound
 */
function outlivedCrashLoop(
  { restartCount, waiting, terminated, lastTerminated }: ContainerEvidence,
  ageMs: number,
): boolean {
  if (restartCount === 0) return terminated === undefined && lastTerminated === undefined;
  // The status shows the two latest runs. While the container waits for its next start, the status shows only the
  // latest run.
  const hasForgottenRun = restartCount >= (waiting === undefined ? 2 : 1);
  return hasForgottenRun && outlastsCrashLoop(ageMs, restartCount + 1);
}
