import { PeriodicYield, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { readSignals, signalStrength } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { ResyncProgress } from './progress.ts';
import { QueueRoom } from './queue-room.ts';

/**
 * Number of pods that are visited between two yields to the event loop. Visiting this number takes a few milliseconds.
 * Visiting 100,000 pods at once would take 0.1 s or more.
 */
const PODS_PER_YIELD = 4_000;

export interface EnqueueAllOptions {
  readonly pods: { entries(): Iterable<readonly [string, PodFacts]> };
  readonly progress: Pick<ResyncProgress, 'open' | 'add' | 'close'>;
  readonly queue: { readonly length: number; add(key: string): void };
  readonly clock: Pick<Clock, 'sleep'>;
}

/**
 * Enqueues all pods for evaluation. The pods that are most likely misplaced come first, so that evictions start before
 * all pods are evaluated. Yields to the event loop, and never queues all pods at once.
 */
export class EnqueueAll {
  readonly #options: EnqueueAllOptions;
  readonly #room: QueueRoom;
  #isRequested = false;
  #wake: () => void = () => undefined;

  constructor(options: EnqueueAllOptions) {
    this.#options = options;
    this.#room = new QueueRoom(options.queue, options.clock);
  }

  /**
   * Requests an evaluation of all pods. If pods are already being enqueued, all pods are enqueued once more afterwards,
   * because some pods were evaluated before the request.
   */
  request(): void {
    this.#isRequested = true;
    this.#wake();
  }

  /** Enqueues all pods immediately, and again at each `request()`, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    do {
      this.#isRequested = false;
      await this.#enqueueAll(signal);
    } while (await this.#nextRequest(signal));
  }

  /** Waits for a call of `request()`. Resolves to true after a call, and to false when the signal is aborted. */
  async #nextRequest(signal: AbortSignal): Promise<boolean> {
    if (!this.#isRequested && !signal.aborted) {
      const request = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await waitUnlessAborted(request, signal);
    }
    return !signal.aborted;
  }

  async #enqueueAll(signal: AbortSignal): Promise<void> {
    const { progress } = this.#options;
    progress.open();
    for (const keys of await this.#urgent(signal)) {
      for (const key of keys) {
        const room = this.#room.wait(signal);
        if (room !== undefined) await room;
        this.#add(key);
      }
    }
    // Skips a pod that has become urgent since the urgent pods were listed, because that change has already enqueued
    // the pod.
    await this.#visit((key, urgency) => {
      if (urgency === 0) this.#add(key);
    }, signal);
    if (!signal.aborted) progress.close();
  }

  /**
   * Returns the keys of pods that are not Ready or have a signal, grouped by urgency, the most urgent group first.
   * Usually there are few such pods.
   */
  async #urgent(signal: AbortSignal): Promise<readonly (readonly string[])[]> {
    const keys = new Map<number, string[]>();
    await this.#visit((key, urgency) => {
      if (urgency === 0) return;
      const alike = keys.get(urgency);
      if (alike === undefined) keys.set(urgency, [key]);
      else alike.push(key);
    }, signal);
    return [...keys].sort(([one], [other]) => other - one).map(([, alike]) => alike);
  }

  async #visit(visit: (key: string, urgency: number) => void, signal: AbortSignal): Promise<void> {
    const yields = new PeriodicYield(PODS_PER_YIELD);
    for (const [key, pod] of this.#options.pods.entries()) {
      const room = this.#room.wait(signal);
      if (room !== undefined) await room;
      if (signal.aborted) return;
      visit(key, getUrgency(pod));
      const due = yields.count();
      if (due !== undefined) await due;
    }
  }

  #add(key: string): void {
    const { progress, queue } = this.#options;
    progress.add(key);
    queue.add(key);
  }
}

/**
 * Returns the urgency of a pod. It is highest for a pod whose signal is a refused image, lower for a pod that is not
 * Ready but has no signal, and 0 for a pod that is Ready and has no signal.
 */
function getUrgency(pod: PodFacts): number {
  return signalStrength(readSignals(pod.containers).signal) * 2 + (pod.ready.value ? 0 : 1);
}
