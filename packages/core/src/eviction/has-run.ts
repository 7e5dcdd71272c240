import { boundAtMs } from '../kubernetes/facts.ts';
import type { ContainerEvidence, PodFacts } from '../kubernetes/facts.ts';
import { isRefusal, readSignals } from './evidence.ts';
import type { PodSignal } from './evidence.ts';

/**
 * A pod counts as Ready, and a program as running, after this long: a crash loop is Ready for up to a second at each
 * restart (docs/node-evidence.md, section 3), and a program that the kernel refuses ends within a second of its start.
 */
export const READY_AFTER_MS = 10_000;

/** A container in a crash loop ends at least once in this time: the longest back-off of a kubelet is 5 minutes. */
const CRASH_LOOP_PERIOD_MS = 10 * 60_000;

/** A pod that has run, but has not been Ready for this long, in which a container restarted this often, no longer runs there. */
export const CRASHING_AFTER_MS = 15 * 60_000;
export const CRASHING_RESTARTS = 3;

/** The crashes of a pod (by UID) that this process observed, or found in the pod's status when it started. Lower bounds. */
export interface CrashHistory {
  /** Milliseconds since the pod was last Ready for {@link READY_AFTER_MS}. */
  readonly unreadyForMs: number;
  /** Restarts within the last {@link CRASHING_AFTER_MS}, by the name of the container. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** Evidence of whether a misplaced pod has run on the node to which it is bound. */
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
 * R10: whether the pod has run on its node, although an image does not declare the node's platform. Only containers whose own image
 * does not support the node are evidence: a sidecar whose image supports the node runs in any case.
 */
export function hasRun({ nowMs, pod, images, hasBeenReady, graceMs }: RunEvidence): boolean {
  if (hasBeenReady) return true;
  const containers = selectContainers(pod, images);
  const provenMs = provenAfterMs(graceMs);
  if (containers.some((container) => hasSucceeded(container) || longestLifeMs(container, pod, nowMs) > provenMs)) {
    return true;
  }
  // All containers of a pod that was Ready had started. If the node refuses them, they have ended repeatedly since.
  const ageMs = nowMs - boundAtMs(pod);
  return pod.ready.turnedFalse === true && containers.every((container) => outlivedCrashLoop(container, ageMs));
}

/**
 * R10: returns when a container whose image does not support the node will have run long enough to prove that the pod runs there:
 * epoch milliseconds, undefined if no such container is running. A program that the kernel refuses has ended by then.
 */
export function willHaveRunAtMs({ nowMs, pod, images, graceMs }: RunEvidence): number | undefined {
  const starts = selectContainers(pod, images).flatMap(({ running, runningSinceMs }) =>
    running && runningSinceMs !== undefined && runningSinceMs <= nowMs ? [runningSinceMs] : [],
  );
  return starts.length === 0 ? undefined : Math.min(...starts) + provenAfterMs(graceMs) + 1;
}

/**
 * R10: whether a pod that has run no longer runs: it has not been Ready for {@link CRASHING_AFTER_MS}, in which a container whose image
 * does not support the node has restarted at least {@link CRASHING_RESTARTS} times.
 */
export function keepsCrashing({ pod, images, crashes }: Pick<RunEvidence, 'pod' | 'images' | 'crashes'>): boolean {
  if (crashes === undefined || crashes.unreadyForMs < CRASHING_AFTER_MS) return false;
  return selectContainers(pod, images).some(({ name }) => (crashes.restarts.get(name) ?? 0) >= CRASHING_RESTARTS);
}

function provenAfterMs(graceMs: number): number {
  return Math.max(graceMs, READY_AFTER_MS);
}

/** Whether a container that ended `ends` times within `elapsedMs` ran longer in between than in a crash loop. */
export function outlastsCrashLoop(elapsedMs: number, ends: number): boolean {
  return elapsedMs >= READY_AFTER_MS + ends * CRASH_LOOP_PERIOD_MS;
}

type RefusalEvidence = Pick<RunEvidence, 'nowMs' | 'images'> & { readonly pod: Pick<PodFacts, 'containers' | 'ready'> };

/**
 * R10: whether the runtime or the kernel has refused a container of one of these images. The end of an earlier run is no evidence
 * against a container that has been running since.
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

/** A program that the kernel refuses never ends with 0. */
function hasSucceeded({ terminated, lastTerminated }: ContainerEvidence): boolean {
  return terminated?.exitCode === 0 || lastTerminated?.exitCode === 0;
}

/** The longest run that the status shows: of the present one and the one or two that ended last. */
function longestLifeMs(container: ContainerEvidence, pod: Pick<PodFacts, 'ready'>, nowMs: number): number {
  const ended = [container.terminated, container.lastTerminated].map((end) => (end?.seconds ?? 0) * 1_000);
  return Math.max(runningForMs(container, pod, nowMs), ...ended);
}

/** How long the container has been running. Start times of a Ready pod's containers are not stored: its condition shows since when all run. */
function runningForMs(
  { running, runningSinceMs }: ContainerEvidence,
  { ready }: Pick<PodFacts, 'ready'>,
  nowMs: number,
): number {
  const sinceMs = runningSinceMs ?? (running && ready.value ? ready.sinceMs : nowMs);
  return nowMs - sinceMs;
}

/**
 * Whether the container has run for longer than in a crash loop.
 *
 * @param ageMs since the pod was bound
 */
function outlivedCrashLoop(
  { restartCount, waiting, terminated, lastTerminated }: ContainerEvidence,
  ageMs: number,
): boolean {
  if (restartCount === 0) return terminated === undefined && lastTerminated === undefined;
  // The status shows the two latest runs, or only the latest one while the container waits for its next start.
  const hasForgottenRun = restartCount >= (waiting === undefined ? 2 : 1);
  return hasForgottenRun && outlastsCrashLoop(ageMs, restartCount + 1);
}
