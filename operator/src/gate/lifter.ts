import {
  isGated,
  isJsonObject,
  isSamePatch,
  passesDryRun,
  parseLiftResponse,
  nextLiftStep,
  withoutUndefined,
} from '@archpolicy/core';
import type { JsonObject, LiftResponse, LiftPatch, LiftProgress, PatchFallbacks, PatchLevel } from '@archpolicy/core';
import type { ApiResponse } from '@archpolicy/kube';
import { getResourceVersion } from './pod-client.ts';
import type { PodClient, PodIdentity } from './pod-client.ts';

/** The result of one pass over the patches. */
export type LiftOutcome =
  /** `refused`: whether the API server rejected the patches of better levels. */
  | { readonly kind: 'lifted'; readonly level: PatchLevel; readonly refused: boolean }
  | { readonly kind: 'gone' }
  /** Another client changed the pod. `pod` is the new version. */
  | { readonly kind: 'changed'; readonly pod: JsonObject }
  | {
      readonly kind: 'failed';
      readonly status: number;
      /** Whether the API server rejected the patches of all levels; false after a transient error. */
      readonly refused: boolean;
      readonly retryAfterMs?: number;
      /**
       * The patch to which the API server responded with 500. Absent if the API server responded with another status.
       */
      readonly answered500?: LiftPatch;
    };

export interface Lifting {
  readonly pod: JsonObject;
  readonly fallbacks: PatchFallbacks;
  /** Whether any lower level may be tried after a transient error, not only the next lower level; see `escalates`. */
  readonly escalate: boolean;
  /** The patch to which the API server responded with 500 at the end of the previous pass. */
  readonly answered500: LiftPatch | undefined;
}

export type LiftObserver = (level: PatchLevel, answer: LiftResponse['kind']) => void;

type Next = LiftOutcome | { readonly kind: 'try'; readonly index: number };

/**
 * PL12: sends the patches of a pod, one after the other, until the API server accepts a patch. Begins with the best
 * level, and ends with the level that removes only the gate. Throws a KubeError if the API server does not respond.
 */
export class Lifter {
  readonly #calls: PodClient;
  readonly #observe: LiftObserver;

  constructor(calls: PodClient, observe: LiftObserver) {
    this.#calls = calls;
    this.#observe = observe;
  }

  async lift(identity: PodIdentity, lifting: Lifting, signal: AbortSignal): Promise<LiftOutcome> {
    let next: Next = { kind: 'try', index: 0 };
    while (next.kind === 'try') next = await this.#try(identity, lifting, { index: next.index }, signal);
    return next;
  }

  /** @param lower the index of a lower level that passed a dry run after this level had failed */
  async #try(
    identity: PodIdentity,
    lifting: Lifting,
    { index, lower }: { readonly index: number; readonly lower?: number },
    signal: AbortSignal,
  ): Promise<Next> {
    const patch = lifting.fallbacks.patches[index];
    if (patch === undefined) return { kind: 'failed', status: 0, refused: false };
    const answer = await this.#calls.patch(identity, patch.operations, { signal });
    const meaning = interpret(answer);
    this.#observe(patch.level, meaning.kind);
    if (meaning.kind === 'gone') return { kind: 'gone' };
    const pod = meaning.kind === 'conflict' ? await this.#calls.read(identity, signal) : lifting.pod;
    if (pod === undefined) return { kind: 'gone' };
    const step = nextLiftStep(meaning, toProgress(lifting, index, pod));
    switch (step.kind) {
      case 'finished':
        return { kind: 'lifted', level: patch.level, refused: index > 0 };
      case 'restart':
        return { kind: 'changed', pod };
      case 'next-level':
        return { kind: 'try', index: index + 1 };
      case 'retry-later':
        return failure(answer, meaning, patch);
      case 'compare': {
        if (lower !== undefined) return { kind: 'try', index: lower };
        const passing = await this.#firstPassing(identity, lifting, { index, lower: step.lower }, signal);
        if (passing === undefined) return failure(answer, meaning, patch);
        // Tries this level once more before the lower level, because the failure may have been a transient error that
        // has ended.
        return this.#try(identity, lifting, { index, lower: passing }, signal);
      }
    }
  }

  /** Returns the first lower level that passes a dry run. */
  async #firstPassing(
    identity: PodIdentity,
    { fallbacks: { patches }, escalate }: Lifting,
    { index, lower }: { readonly index: number; readonly lower: 'next' | 'any' },
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const last = lower === 'next' ? index + 1 : patches.length - 1;
    for (const [at, { operations }] of patches.entries()) {
      if (at <= index || at > last) continue;
      const answer = interpret(await this.#calls.patch(identity, operations, { signal, dryRun: true }));
      if (passesDryRun(answer, escalate && at === patches.length - 1)) return at;
    }
    return undefined;
  }
}

function toProgress({ pod, fallbacks, escalate, answered500 }: Lifting, index: number, now: JsonObject): LiftProgress {
  const patch = fallbacks.patches[index];
  return {
    hasNext: index < fallbacks.patches.length - 1,
    changed: getResourceVersion(now) !== getResourceVersion(pod),
    repeated: patch !== undefined && answered500 !== undefined && isSamePatch(patch, answered500),
    escalate,
  };
}

/**
 * Interprets a response of the API server. A 2xx response counts as a rejection if the pod in it still has the gate,
 * because another webhook has added it again.
 */
function interpret(answer: ApiResponse): LiftResponse {
  const stillGated = answer.kind === 'ok' && isJsonObject(answer.body) && isGated(answer.body);
  return stillGated ? { kind: 'refused' } : parseLiftResponse(answer.status);
}

function failure(answer: ApiResponse, meaning: LiftResponse, patch: LiftPatch): LiftOutcome {
  return withoutUndefined({
    kind: 'failed',
    status: answer.status,
    refused: meaning.kind !== 'transient-error' && meaning.kind !== 'internal-error',
    retryAfterMs: answer.kind === 'refused' ? answer.retryAfterMs : undefined,
    answered500: meaning.kind === 'internal-error' ? patch : undefined,
  });
}
