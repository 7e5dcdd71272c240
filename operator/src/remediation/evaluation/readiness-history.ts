import type { Clock } from '@archpolicy/async';
import {
  CRASHING_AFTER_MS,
  CRASHING_RESTARTS,
  earlierRestartsAgoMs,
  outlastsCrashLoop,
  READY_AFTER_MS,
  unreadyForMs,
} from '@archpolicy/core';
import type { ContainerEvidence, CrashHistory, PodFacts } from '@archpolicy/core';
import type { StoreEvent } from '@archpolicy/kube';

type UpdatedPod = Extract<StoreEvent<PodFacts>, { type: 'updated' }>;

/** The restarts of a pod that is not Ready. Times are monotonic milliseconds. */
interface Crashes {
  readonly unreadySince: number;
  /**
   * The times of the latest restarts of each container, at most {@link CRASHING_RESTARTS}, by the name of the
   * container.
   */
  readonly restarts: Map<string, number[]>;
}

/**
 * Records which pods were Ready for 10 s and no longer are, and how often their containers have restarted since then
 * (R10). It is needed because a pod's status does not retain this. A standby records the same as the leader, so nothing
 * is lost when the standby becomes the leader.
 *
 * A process that starts reads from a pod's first status for how long the pod has not been Ready (`unreadyForMs`). So
 * the 15 minutes do not begin again. At the first restart that the process observes, the restarts before it count whose
 * times the status before it contains (`earlierRestartsAgoMs`). Other restarts in `restartCount` have no time and do not
 * count. Times of a status are compared with each other only, never with the clock of this process. `hasRun` decides
 * whether the pod has ever been Ready for 10 s.
 *
 * Only pods that lost their readiness or crash use memory, until they are deleted.
 */
export class ReadinessHistory {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By UID. */
  readonly #haveBeenReady = new Set<string>();
  /** By UID. */
  readonly #crashes = new Map<string, Crashes>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Must be called for every change of a pod, before the pod is evaluated. */
  onPodChanged(event: StoreEvent<PodFacts>): void {
    const { uid } = event.object;
    if (event.type === 'deleted') {
      this.#haveBeenReady.delete(uid);
      this.#crashes.delete(uid);
      return;
    }
    if (event.type === 'added') {
      this.#start(event.object);
      return;
    }
    if (wasReadyLongEnough(event.previous, event.object)) {
      this.#haveBeenReady.add(uid);
      this.#crashes.set(uid, { unreadySince: this.#clock.monotonic(), restarts: new Map() });
    }
    for (const container of event.object.containers) {
      if (restartsSince(event.previous, container) > 0) this.#restarted(event, container.name);
    }
  }

  hasBeenReady(uid: string): boolean {
    return this.#haveBeenReady.has(uid);
  }

  /** Returns the restarts of a pod. Returns undefined if neither a loss of readiness nor a restart was observed. */
  getCrashes(uid: string): CrashHistory | undefined {
    const crashes = this.#crashes.get(uid);
    if (crashes === undefined) return undefined;
    const now = this.#clock.monotonic();
    const isRecent = (at: number): boolean => at > now - CRASHING_AFTER_MS;
    return {
      unreadyForMs: now - crashes.unreadySince,
      restarts: new Map([...crashes.restarts].map(([name, times]) => [name, times.filter(isRecent).length])),
    };
  }

  /** Number of recorded pods. */
  get size(): number {
    return this.#haveBeenReady.size;
  }

  /** Records what the first status of a pod contains. */
  #start(pod: PodFacts): void {
    if (pod.ready.value || pod.containers.every(({ restartCount }) => restartCount === 0)) return;
    this.#crashes.set(pod.uid, { unreadySince: this.#unreadySince(pod), restarts: new Map() });
  }

  /** Records a restart. Several restarts in one update count as one, because only the time of the last one is known. */
  #restarted({ object: pod, previous }: UpdatedPod, name: string): void {
    const now = this.#clock.monotonic();
    const crashes = this.#crashes.get(pod.uid) ?? {
      unreadySince: this.#unreadySince(pod),
      restarts: new Map<string, number[]>(),
    };
    this.#crashes.set(pod.uid, crashes);
    const earlier = crashes.restarts.get(name) ?? earlierRestartsAgoMs(previous, pod, name).map((ago) => now - ago);
    crashes.restarts.set(name, [...earlier, now].slice(-CRASHING_RESTARTS));
  }

  #unreadySince(pod: PodFacts): number {
    return this.#clock.monotonic() - (pod.ready.value ? 0 : unreadyForMs(pod));
  }
}

function wasReadyLongEnough(previous: PodFacts, pod: PodFacts): boolean {
  const elapsedMs = pod.ready.sinceMs - previous.ready.sinceMs;
  if (!previous.ready.value || elapsedMs < READY_AFTER_MS) return false;
  return pod.containers.every((container) => {
    // An interrupted watch may have missed restarts. A pod in a crash loop can be Ready before and after the
    // interruption without having been Ready all the time.
    const restarts = restartsSince(previous, container);
    return outlastsCrashLoop(elapsedMs, restarts) || (restarts === 1 && hasRunLong(container));
  });
}

function restartsSince({ containers }: PodFacts, { name, restartCount }: ContainerEvidence): number {
  const before = containers.find((container) => container.name === name)?.restartCount ?? 0;
  return Math.max(0, restartCount - before);
}

function hasRunLong({ lastTerminated }: ContainerEvidence): boolean {
  return (lastTerminated?.seconds ?? 0) * 1_000 >= READY_AFTER_MS;
}
