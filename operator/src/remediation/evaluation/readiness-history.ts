import { outlastsCrashLoop, READY_AFTER_MS } from '@archpolicy/core';
import type { ContainerEvidence, PodFacts } from '@archpolicy/core';
import type { StoreEvent } from '@archpolicy/kube';

/**
 * Which pods have been Ready for 10 s and are not any longer (R10): the condition alone forgets that with its next change.
 * It belongs to the process, not to a term: a standby that takes over has seen the same.
 *
 * Only pods that lost their readiness take memory (a UID each), and only until they are deleted.
 */
export class ReadinessHistory {
  /** By UID. */
  readonly #haveBeenReady = new Set<string>();

  /** To be called with every change of a pod, before the pod is evaluated for it. */
  onPodChanged(event: StoreEvent<PodFacts>): void {
    if (event.type === 'deleted') this.#haveBeenReady.delete(event.object.uid);
    else if (event.type === 'updated' && wasReadyLongEnough(event.previous, event.object)) {
      this.#haveBeenReady.add(event.object.uid);
    }
  }

  hasBeenReady(uid: string): boolean {
    return this.#haveBeenReady.has(uid);
  }

  /** How many pods are remembered. */
  get size(): number {
    return this.#haveBeenReady.size;
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
