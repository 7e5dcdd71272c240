import { parseDurationMs } from '@archpolicy/core';
import type { EvictionDecision, EvictionLedger } from '@archpolicy/core';
import type { Clock, EvictionAnswer } from '@archpolicy/kube';
import { aftermathOf } from './eviction-retry.ts';
import { accountOf } from '../evaluation/pod-evaluator.ts';
import type { Judge, Judgement, Material } from '../evaluation/pod-evaluator.ts';
import type { Evict, Lease, PodReader, Webhook } from '../ports.ts';
import type { Tries } from './eviction-attempts.ts';

/** What came of the attempt to evict one pod. */
export type EvictionOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'gone' }
  /** Right before the call the pod was not what had been judged any more. */
  | { readonly kind: 'judged-again'; readonly judgement: Judgement }
  /** Another policy governs it by now, a changed one, or none: nothing was sent, and it is to be gathered for anew. */
  | { readonly kind: 'governed-anew' }
  /** The Lease is not held any more: nothing was sent. */
  | { readonly kind: 'not-leading' }
  | { readonly kind: 'not-accepted'; readonly answer: EvictionAnswer; readonly delayMs: number };

export interface EvictorOptions {
  readonly judge: Judge;
  readonly reader: PodReader;
  readonly evict: Evict;
  readonly lease: Lease;
  readonly webhook: Pick<Webhook, 'confirm'>;
  readonly ledger: EvictionLedger;
  readonly tries: Tries;
  readonly clock: Clock;
  /** Told of every answer of the Eviction API. */
  readonly onAnswer: (answer: EvictionAnswer['kind']) => void;
}

/** The schema has checked the duration; this only stands for one that slipped through. */
const DEFAULT_RECHECK_MS = 600_000;

/** The act (R8): a place is taken, the webhook made sure of, the pod read again and judged again, the Lease checked, the call made. */
export class Evictor {
  readonly #options: EvictorOptions;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /** Call it in the same turn in which the limits were found free: the place is taken before anything is waited for. */
  async evict(material: Material, signal: AbortSignal): Promise<EvictionOutcome> {
    const { ledger, clock } = this.#options;
    const { uid } = material.pod;
    ledger.take(uid, accountOf(material), clock.monotonic());
    let keepsPlace = false;
    try {
      const outcome = await this.#evictInPlace(material, signal);
      keepsPlace = outcome.kind === 'accepted' || this.#options.tries.isUnanswered(material.key, uid);
      return outcome;
    } finally {
      if (!keepsPlace) ledger.giveBack(uid);
    }
  }

  async #evictInPlace(material: Material, signal: AbortSignal): Promise<EvictionOutcome> {
    const { reader, lease, judge, tries, webhook } = this.#options;
    const { namespace, name, uid } = material.pod;
    if (!(await webhook.confirm(signal))) {
      return { kind: 'judged-again', judgement: judge.judge(material, material.pod, true) };
    }
    const pod = await reader.read(namespace, name, signal);
    const ends = pod?.uid !== uid || pod.deleting;
    if (ends && tries.isUnanswered(material.key, uid)) return this.#accepted(material);
    if (pod?.uid !== uid) return { kind: 'gone' };
    const current = judge.renew(material, pod);
    if (current === undefined) return { kind: 'governed-anew' };
    const again = judge.judge(current, pod, true);
    if (again.decision.kind !== 'evict') return { kind: 'judged-again', judgement: again };
    if (!lease.isHeld()) return { kind: 'not-leading' };
    return this.#call(current, again.decision, signal);
  }

  async #call(
    material: Material,
    { preconditions }: Extract<EvictionDecision, { kind: 'evict' }>,
    signal: AbortSignal,
  ): Promise<EvictionOutcome> {
    const { evict, tries, clock, onAnswer } = this.#options;
    const { key, pod, policy } = material;
    const { namespace, name, uid } = pod;
    const answer = await evict({ namespace, name, ...preconditions }, signal);
    onAnswer(answer.kind);
    const recheckMs = parseDurationMs(policy.spec.remediation.recheckInterval) ?? DEFAULT_RECHECK_MS;
    const aftermath = aftermathOf(answer, tries.failuresOf(key, uid), recheckMs);
    switch (aftermath.kind) {
      case 'accepted':
        return this.#accepted(material);
      case 'gone':
        return { kind: 'gone' };
      case 'not-accepted': {
        const { reason, delayMs } = aftermath;
        tries.failed(key, uid, { reason, untilMs: clock.now() + delayMs });
        return { kind: 'not-accepted', answer, delayMs };
      }
    }
  }

  #accepted({ key, pod }: Pick<Material, 'key' | 'pod'>): EvictionOutcome {
    this.#options.tries.accepted(key, pod.uid);
    return { kind: 'accepted' };
  }
}
