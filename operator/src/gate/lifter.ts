import { isGated, isJsonObject, readLiftAnswer, stepAfter } from '@archpolicy/core';
import type { JsonObject, LiftAnswer, LiftLadder, LiftRung } from '@archpolicy/core';
import type { ApiAnswer } from '@archpolicy/kube';
import { versionOf } from './pod-calls.ts';
import type { PodCalls, PodIdentity } from './pod-calls.ts';

/** What came of one pass over the ladder. */
export type LiftOutcome =
  /** `refused`: better rungs were. */
  | { readonly kind: 'lifted'; readonly rung: LiftRung; readonly refused: boolean }
  | { readonly kind: 'gone' }
  /** Somebody else changed the pod: this is how it is now. */
  | { readonly kind: 'changed'; readonly pod: JsonObject }
  /** `refused`: every rung was; else the API server had trouble. */
  | { readonly kind: 'failed'; readonly status: number; readonly refused: boolean; readonly retryAfterMs?: number };

export interface Lifting {
  readonly pod: JsonObject;
  readonly ladder: LiftLadder;
  /** Trouble, too, leads down the ladder, see `isStubborn`. */
  readonly stubborn: boolean;
}

export type LiftObserver = (rung: LiftRung, answer: LiftAnswer['kind']) => void;

/** PL12: tries the patches of a ladder, from the best to the gate alone. Throws a KubeError when nobody answers. */
export class Lifter {
  readonly #calls: PodCalls;
  readonly #observe: LiftObserver;

  constructor(calls: PodCalls, observe: LiftObserver) {
    this.#calls = calls;
    this.#observe = observe;
  }

  async lift(identity: PodIdentity, { pod, ladder, stubborn }: Lifting, signal: AbortSignal): Promise<LiftOutcome> {
    let failed: LiftOutcome = { kind: 'failed', status: 0, refused: false };
    for (const [index, { rung, operations }] of ladder.rungs.entries()) {
      const answer = await this.#calls.patch(identity, operations, signal);
      const meaning = meaningOf(answer);
      this.#observe(rung, meaning.kind);
      const now = meaning.kind === 'contested' ? await this.#calls.read(identity, signal) : pod;
      if (now === undefined) return { kind: 'gone' };
      const changed = versionOf(now) !== versionOf(pod);
      const hasNext = index < ladder.rungs.length - 1;
      const step = stepAfter(meaning, { hasNext, changed, stubborn });
      if (step.kind === 'finished') {
        return meaning.kind === 'gone' ? { kind: 'gone' } : { kind: 'lifted', rung, refused: index > 0 };
      }
      if (step.kind === 'again') return { kind: 'changed', pod: now };
      failed = failure(answer, meaning);
      if (step.kind === 'later') return failed;
    }
    return failed;
  }
}

/** A webhook that puts the gate back makes a refusal of a success. */
function meaningOf(answer: ApiAnswer): LiftAnswer {
  const stillGated = answer.kind === 'ok' && isJsonObject(answer.body) && isGated(answer.body);
  return stillGated ? { kind: 'refused' } : readLiftAnswer(answer.status);
}

function failure(answer: ApiAnswer, meaning: LiftAnswer): LiftOutcome {
  const retryAfterMs = answer.kind === 'refused' ? answer.retryAfterMs : undefined;
  return {
    kind: 'failed',
    status: answer.status,
    refused: meaning.kind !== 'trouble',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
