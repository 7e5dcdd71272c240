import { READY_AFTER_MS } from '@archpolicy/core';
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
  if (!previous.ready.value || pod.ready.sinceMs - previous.ready.sinceMs < READY_AFTER_MS) return false;
  // A watch that was interrupted may have missed restarts: a crash loop that is Ready at both ends was not between them.
  return pod.containers.every((container) => hasKeptRunning(container, previous.containers));
}

/** Without a restart in between, or with one only after a run that was long enough itself. */
function hasKeptRunning(
  { name, restartCount, lastTerminated }: ContainerEvidence,
  before: PodFacts['containers'],
): boolean {
  const restarts = restartCount - (before.find((container) => container.name === name)?.restartCount ?? 0);
  return restarts <= 0 || (restarts === 1 && (lastTerminated?.seconds ?? 0) * 1_000 >= READY_AFTER_MS);
}
