import { boundAtMs } from '../kubernetes/facts.ts';
import type { ContainerEvidence, PodFacts } from '../kubernetes/facts.ts';
import { isRefusal, readSignals } from './evidence.ts';
import type { PodSignal } from './evidence.ts';

/**
 * A pod counts as Ready, and a program as running, after this long: a crash loop is Ready for up to a second at each
 * restart (docs/node-evidence.md, section 3), and a program that the kernel refuses ends within a second of its start.
 */
export const READY_AFTER_MS = 10_000;

/** A crash loop ends at least once in this time: the longest back-off of a kubelet is 5 minutes. */
const CRASH_LOOP_PERIOD_MS = 10 * 60_000;

/** A pod that has run and is not Ready for this long, with so many restarts of a container in it, runs there no longer. */
export const CRASHING_AFTER_MS = 15 * 60_000;
export const CRASHING_RESTARTS = 3;

/** What this process has observed of the crashes of a pod (by UID), or found in its status when it started. Lower bounds. */
export interface CrashHistory {
  /** Since it was last Ready for {@link READY_AFTER_MS}. */
  readonly unreadyForMs: number;
  /** Restarts within the last {@link CRASHING_AFTER_MS}, by the name of the container. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** What shows whether a misplaced pod has run on the node that it is bound to. */
export interface RunEvidence {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: Pick<PodFacts, 'ready' | 'containers' | 'scheduled' | 'createdAtMs'>;
  /** The images that do not support the node, as `assessPlacement` returns them. */
  readonly images: readonly string[];
  /** This process has observed the pod (by UID) Ready for {@link READY_AFTER_MS}. */
  readonly hasBeenReady: boolean;
  /** Absent: no restart of its containers has been observed or has its time in the status. */
  readonly crashes?: CrashHistory;
  /** `gracePeriodAfterScheduling`. */
  readonly graceMs: number;
}

/**
 * R10: whether the pod has run on its node, although an image declares that it cannot. Only containers whose own image
 * does not support the node show it: a sidecar whose image supports the node runs in any case.
 */
export function hasRun({ nowMs, pod, images, hasBeenReady, graceMs }: RunEvidence): boolean {
  if (hasBeenReady) return true;
  const containers = selectContainers(pod, images);
  const provenMs = provenAfterMs(graceMs);
  if (containers.some((container) => hasSucceeded(container) || longestLifeMs(container, pod, nowMs) > provenMs)) {
    return true;
  }
  // All containers of a pod that was Ready had started. Where they are refused, they have ended since, again and again.
  const ageMs = nowMs - boundAtMs(pod);
  return pod.ready.turnedFalse === true && containers.every((container) => outlivedCrashLoop(container, ageMs));
}

/**
 * R10: when a container whose image does not support the node will have been running for long enough to show that the pod
 * runs there: epoch milliseconds, undefined when none is running. A program that the kernel refuses has ended by then.
 */
export function willHaveRunAtMs({ nowMs, pod, images, graceMs }: RunEvidence): number | undefined {
  const starts = selectContainers(pod, images).flatMap(({ running, runningSinceMs }) =>
    running && runningSinceMs !== undefined && runningSinceMs <= nowMs ? [runningSinceMs] : [],
  );
  return starts.length === 0 ? undefined : Math.min(...starts) + provenAfterMs(graceMs) + 1;
}

/**
 * R10: whether the pod, which has run, does not run any longer: it has not been Ready for a quarter of an hour, and a container
 * whose image does not support the node has restarted again and again in it.
 */
export function keepsCrashing({ pod, images, crashes }: Pick<RunEvidence, 'pod' | 'images' | 'crashes'>): boolean {
  if (crashes === undefined || crashes.unreadyForMs < CRASHING_AFTER_MS) return false;
  return selectContainers(pod, images).some(({ name }) => (crashes.restarts.get(name) ?? 0) >= CRASHING_RESTARTS);
}

function provenAfterMs(graceMs: number): number {
  return Math.max(graceMs, READY_AFTER_MS);
}

/** Whether a container that ended so many times within this time was running for longer than a crash loop in between. */
export function outlastsCrashLoop(elapsedMs: number, ends: number): boolean {
  return elapsedMs >= READY_AFTER_MS + ends * CRASH_LOOP_PERIOD_MS;
}

type RefusalEvidence = Pick<RunEvidence, 'nowMs' | 'images'> & { readonly pod: Pick<PodFacts, 'containers' | 'ready'> };

/**
 * R10: whether the runtime or the kernel has refused a container of one of these images. The end of a former run is no
 * evidence against a container that has been running since.
 */
export function isRefused(evidence: RefusalEvidence): boolean {
  return findRefusal(evidence) !== undefined;
}

/** The strongest signal of such a refusal, and the container that shows it. */
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

/** A program that the kernel refuses never ends with 0. */
function hasSucceeded({ terminated, lastTerminated }: ContainerEvidence): boolean {
  return terminated?.exitCode === 0 || lastTerminated?.exitCode === 0;
}

/** Of the runs that its status shows: the present one and the one or two that ended last. */
function longestLifeMs(container: ContainerEvidence, pod: Pick<PodFacts, 'ready'>, nowMs: number): number {
  const ended = [container.terminated, container.lastTerminated].map((end) => (end?.seconds ?? 0) * 1_000);
  return Math.max(runningForMs(container, pod, nowMs), ...ended);
}

/** The start times of a Ready pod's containers are not kept: its condition shows since when all of them have been running. */
function runningForMs(
  { running, runningSinceMs }: ContainerEvidence,
  { ready }: Pick<PodFacts, 'ready'>,
  nowMs: number,
): number {
  const sinceMs = runningSinceMs ?? (running && ready.value ? ready.sinceMs : nowMs);
  return nowMs - sinceMs;
}

/** @param ageMs since the pod was bound */
function outlivedCrashLoop(
  { restartCount, waiting, terminated, lastTerminated }: ContainerEvidence,
  ageMs: number,
): boolean {
  if (restartCount === 0) return terminated === undefined && lastTerminated === undefined;
  // The status shows the two latest runs, or only the latest one while the container waits for its next start.
  const hasForgottenRun = restartCount >= (waiting === undefined ? 2 : 1);
  return hasForgottenRun && outlastsCrashLoop(ageMs, restartCount + 1);
}
