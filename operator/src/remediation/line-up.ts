import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { readSigns, signStrength } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Passes } from './passes.ts';

/** Pods that are passed over between two turns of the event loop: a few milliseconds. All of 100,000 take 0.1 s and more. */
const PODS_PER_TURN = 4_000;

export interface LineUpOptions {
  readonly pods: { entries(): Iterable<readonly [string, PodFacts]> };
  readonly passes: Pick<Passes, 'open' | 'add' | 'close'>;
  readonly queue: { add(key: string): void };
  readonly clock: Pick<Clock, 'now'>;
  /** All of them have been looked at. */
  readonly onLast: () => void;
}

/**
 * Lines all pods up for a look, the most certain first: what is surely broken is put right while the rest is still being
 * looked at. Over many turns of the event loop, and with the keys that the store has: 100,000 of them are 10 MB.
 */
export class LineUp {
  readonly #options: LineUpOptions;
  #isRunning = false;
  #isWanted = false;

  constructor(options: LineUpOptions) {
    this.#options = options;
  }

  /** Every pod is to be looked at. While they are being lined up: all of them once more, for some have had their look. */
  request(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#lineUp();
    }
    this.#isRunning = false;
  }

  async #lineUp(): Promise<void> {
    const { passes, queue, clock, onLast } = this.#options;
    const turns = new Turns();
    passes.open();
    for (const keys of await this.#byUrgency(turns)) {
      for (const key of keys) {
        if (turns.isDue()) await turnOfTheLoop();
        passes.add(key);
        queue.add(key);
      }
    }
    if (passes.close(clock.now())) onLast();
  }

  /** The keys of all pods, the most urgent first. */
  async #byUrgency(turns: Turns): Promise<readonly (readonly string[])[]> {
    const keys = new Map<number, string[]>();
    for (const [key, pod] of this.#options.pods.entries()) {
      if (turns.isDue()) await turnOfTheLoop();
      const urgency = urgencyOf(pod);
      const alike = keys.get(urgency);
      if (alike === undefined) keys.set(urgency, [key]);
      else alike.push(key);
    }
    return [...keys].sort(([one], [other]) => other - one).map(([, alike]) => alike);
  }
}

/** Says when the event loop is to turn. */
class Turns {
  #passed = 0;

  /** Whether enough has been passed over since the last turn. */
  isDue(): boolean {
    this.#passed += 1;
    return this.#passed % PODS_PER_TURN === 0;
  }
}

/** Signs of refusal first, then what is not Ready, then what runs. */
function urgencyOf(pod: PodFacts): number {
  return signStrength(readSigns(pod.containers).sign) * 2 + (pod.ready.value ? 0 : 1);
}
