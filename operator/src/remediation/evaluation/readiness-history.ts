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
   * The times of the latest restarts of each container. The key is the name of the container. Each list has at most
   * {@link CRASHING_RESTARTS} times.
   */
  readonly restarts: Map<string, number[]>;
}

/**
 * Records which pods were Ready for 10 s and are no longer Ready, and how often their containers have restarted since
 * the loss of readiness (R10). This class is needed because the pod's status does not retain these facts. A standby
 * records them, too, so that nothing is lost when it becomes the leader.
 *
 * After a start of the process, the first status of a pod shows for how long the pod has not been Ready
 * (`unreadyForMs`). So a start of the process does not begin the 15 minutes again. When the process observes the first
 * restart of a container, it also counts the earlier restarts whose times the previous status contains
 * (`earlierRestartsAgoMs`). All other restarts in `restartCount` do not count, because their times are unknown. Times
 * in a status are compared only with each other, never with the clock of this process. `hasRun` decides whether the pod
 * has ever been Ready for 10 s.
 *
 * Only pods that lost their readiness or crash use memory. They use it until they are deleted.
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
