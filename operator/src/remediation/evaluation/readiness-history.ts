import type { Clock } from '@archpolicy/async';
import { CRASHING_AFTER_MS, CRASHING_RESTARTS, outlastsCrashLoop, READY_AFTER_MS } from '@archpolicy/core';
import type { ContainerEvidence, CrashHistory, PodFacts } from '@archpolicy/core';
import type { StoreEvent } from '@archpolicy/kube';

/** Restarts of a pod that is not Ready. Monotonic milliseconds. */
interface Crashes {
  readonly unreadySince: number;
  /** By the name of the container: its latest restarts, as many as count. */
  readonly restarts: Map<string, number[]>;
}

/**
 * Which pods have been Ready for 10 s and are not any longer, and how often their containers have restarted since (R10): the
 * status alone forgets that with its next change. It belongs to the process, not to a term: a standby that takes over has
 * seen the same.
 *
 * Only pods that lost their readiness or crash take memory, and only until they are deleted.
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

  /** To be called with every change of a pod, before the pod is evaluated for it. */
  onPodChanged(event: StoreEvent<PodFacts>): void {
    const { uid } = event.object;
    if (event.type === 'deleted') {
      this.#haveBeenReady.delete(uid);
      this.#crashes.delete(uid);
      return;
    }
    if (event.type !== 'updated') return;
    if (wasReadyLongEnough(event.previous, event.object)) {
      this.#haveBeenReady.add(uid);
      this.#crashes.set(uid, { unreadySince: this.#clock.monotonic(), restarts: new Map() });
    }
    for (const container of event.object.containers) {
      if (restartsSince(event.previous, container) > 0) this.#restarted(uid, container.name);
    }
  }

  hasBeenReady(uid: string): boolean {
    return this.#haveBeenReady.has(uid);
  }

  /** Undefined when the pod has neither lost its readiness nor restarted a container since this process observes it. */
  crashesOf(uid: string): CrashHistory | undefined {
    const crashes = this.#crashes.get(uid);
    if (crashes === undefined) return undefined;
    const now = this.#clock.monotonic();
    const isRecent = (at: number): boolean => at > now - CRASHING_AFTER_MS;
    return {
      unreadyForMs: now - crashes.unreadySince,
      restarts: new Map([...crashes.restarts].map(([name, times]) => [name, times.filter(isRecent).length])),
    };
  }

  /** How many pods are remembered. */
  get size(): number {
    return this.#haveBeenReady.size;
  }

  /** Several restarts in one update count as one: when the others happened is not known. */
  #restarted(uid: string, name: string): void {
    const now = this.#clock.monotonic();
    const crashes = this.#crashes.get(uid) ?? { unreadySince: now, restarts: new Map<string, number[]>() };
    this.#crashes.set(uid, crashes);
    const times = [...(crashes.restarts.get(name) ?? []), now];
    crashes.restarts.set(name, times.slice(-CRASHING_RESTARTS));
  }
}

function wasReadyLongEnough(previous: PodFacts, pod: PodFacts): boolean {
  const elapsedMs = pod.ready.sinceMs - previous.ready.sinceMs;
  if (!previous.ready.value || elapsedMs < READY_AFTER_MS) return false;
  return pod.containers.every((container) => {
    // An interrupted watch may have missed restarts: a crash loop that is Ready at both ends was not Ready between them.
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
