import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { readSignals, signalStrength } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Passes } from './progress.ts';

/** Pods that are passed over between two turns of the event loop: a few milliseconds. All of 100,000 take 0.1 s and more. */
const PODS_PER_TURN = 4_000;
/**
 * Pods that stand in the queue at a time. Queues, sets and what they leave behind as they grow are 25 MB for 100,000 keys;
 * and what happens meanwhile need not stand behind all of them.
 */
const MOST_QUEUED = 2_000;
/** How long they take at the least. */
const WAIT_MS = 10;

export interface LineUpOptions {
  readonly pods: { entries(): Iterable<readonly [string, PodFacts]> };
  readonly passes: Pick<Passes, 'open' | 'add' | 'close'>;
  readonly queue: { readonly length: number; add(key: string): void };
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** All of them have been looked at. */
  readonly onLast: () => void;
}

/**
 * Lines all pods up for a look, the most certain first: what is surely broken is put right while the rest is still being
 * looked at. Over many turns of the event loop, and never all at once.
 */
export class LineUp {
  readonly #options: LineUpOptions;
  #signal: AbortSignal = AbortSignal.abort();
  #isRunning = false;
  #isWanted = false;

  constructor(options: LineUpOptions) {
    this.#options = options;
  }

  /** Lines all of them up from now on, and whenever that is requested, until the signal is aborted. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    this.request();
  }

  /** Every pod is to be looked at. While they are being lined up: all of them once more, for some have had their look. */
  request(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted && !this.#signal.aborted) {
      this.#isWanted = false;
      await this.#lineUp();
    }
    this.#isRunning = false;
  }

  async #lineUp(): Promise<void> {
    const { passes, clock, onLast } = this.#options;
    passes.open();
    for (const keys of await this.#urgent()) {
      for (const key of keys) {
        if (this.#isFull()) await this.#room();
        this.#add(key);
      }
    }
    // Those that something happens to meanwhile are queued for it.
    await this.#passOver((key, urgency) => {
      if (urgency === 0) this.#add(key);
    });
    if (!this.#signal.aborted && passes.close(clock.now())) onLast();
  }

  /** The keys of those that do not just run, the most urgent first: few, as a rule. */
  async #urgent(): Promise<readonly (readonly string[])[]> {
    const keys = new Map<number, string[]>();
    await this.#passOver((key, urgency) => {
      if (urgency === 0) return;
      const alike = keys.get(urgency);
      if (alike === undefined) keys.set(urgency, [key]);
      else alike.push(key);
    });
    return [...keys].sort(([one], [other]) => other - one).map(([, alike]) => alike);
  }

  async #passOver(see: (key: string, urgency: number) => void): Promise<void> {
    let passed = 0;
    for (const [key, pod] of this.#options.pods.entries()) {
      if (this.#isFull()) await this.#room();
      if (this.#signal.aborted) return;
      see(key, urgencyOf(pod));
      passed += 1;
      if (passed % PODS_PER_TURN === 0) await turnOfTheLoop();
    }
  }

  #isFull(): boolean {
    return this.#options.queue.length >= MOST_QUEUED && !this.#signal.aborted;
  }

  async #room(): Promise<void> {
    while (this.#isFull()) await this.#options.clock.sleep(WAIT_MS, this.#signal).catch(() => undefined);
  }

  #add(key: string): void {
    const { passes, queue } = this.#options;
    passes.add(key);
    queue.add(key);
  }
}

/** Signs of refusal first, then what is not Ready, then what runs. */
function urgencyOf(pod: PodFacts): number {
  return signalStrength(readSignals(pod.containers).signal) * 2 + (pod.ready.value ? 0 : 1);
}
