import { parseDurationMs } from '@archpolicy/core';
import type { EvictionAccount, EvictionDecision, EvictionLedger } from '@archpolicy/core';
import type { Clock, EvictionAnswer } from '@archpolicy/kube';
import type { RemediationMetrics } from '../../reporting/metrics.ts';
import type { ContextGatherer, EvictionContext } from '../evaluation/gather-context.ts';
import type { Evaluation, PodEvaluator } from '../evaluation/pod-evaluator.ts';
import type { Evict, Lease, PodReader, Webhook } from '../ports.ts';
import type { EvictionAttempts } from '../eviction-attempts.ts';
import { interpretAnswer } from './eviction-retry.ts';

/** The outcome of one attempt to evict a pod. */
export type EvictionOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'gone' }
  /** Right before the call the pod was not to be evicted: nothing was sent. */
  | { readonly kind: 'no-longer-evictable'; readonly evaluation: Evaluation }
  /** Right before the call another policy governed the pod, or a changed one, or none: nothing was sent. */
  | { readonly kind: 'policy-changed' }
  /** The Lease was lost: nothing was sent. */
  | { readonly kind: 'not-leading' }
  | { readonly kind: 'not-accepted'; readonly answer: EvictionAnswer; readonly delayMs: number };

export interface EvictorOptions {
  readonly gatherer: Pick<ContextGatherer, 'refresh'>;
  readonly evaluator: Pick<PodEvaluator, 'evaluate'>;
  readonly reader: PodReader;
  readonly evict: Evict;
  readonly lease: Lease;
  readonly webhook: Pick<Webhook, 'confirm'>;
  readonly ledger: Pick<EvictionLedger, 'take' | 'giveBack'>;
  readonly attempts: EvictionAttempts;
  readonly metrics: Pick<RemediationMetrics, 'answer'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** The schema validates the duration; this is for a value that it missed. */
const DEFAULT_RECHECK_MS = 600_000;

/**
 * Evicts a pod (R8): takes a reservation, probes the webhook, reads and evaluates the pod again, checks the Lease, and calls
 * the Eviction API.
 */
export class Evictor {
  readonly #options: EvictorOptions;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /** To be called without an `await` after the evaluation that found the limits free: reserves before it waits. */
  async evict(context: EvictionContext, account: EvictionAccount, signal: AbortSignal): Promise<EvictionOutcome> {
    const { ledger, clock, attempts } = this.#options;
    const { uid } = context.pod;
    ledger.take(uid, account, clock.monotonic());
    let keepsReservation = false;
    try {
      const outcome = await this.#evictReserved(context, signal);
      keepsReservation = outcome.kind === 'accepted' || attempts.isUnanswered(context.key, uid);
      return outcome;
    } finally {
      if (!keepsReservation) ledger.giveBack(uid);
    }
  }

  async #evictReserved(context: EvictionContext, signal: AbortSignal): Promise<EvictionOutcome> {
    const { reader, lease, gatherer, evaluator, attempts, webhook } = this.#options;
    const { namespace, name, uid } = context.pod;
    if (!(await webhook.confirm(signal))) {
      return { kind: 'no-longer-evictable', evaluation: evaluator.evaluate(context, true) };
    }
    const pod = await reader.read(namespace, name, signal);
    const ends = pod?.uid !== uid || pod.deleting;
    if (ends && attempts.isUnanswered(context.key, uid)) return this.#accepted(context);
    if (pod?.uid !== uid) return { kind: 'gone' };
    const current = gatherer.refresh(context, pod);
    if (current === undefined) return { kind: 'policy-changed' };
    const evaluation = evaluator.evaluate(current, true);
    if (evaluation.decision.kind !== 'evict') return { kind: 'no-longer-evictable', evaluation };
    if (!lease.isHeld()) return { kind: 'not-leading' };
    return this.#call(current, evaluation.decision, signal);
  }

  async #call(
    context: EvictionContext,
    { preconditions }: Extract<EvictionDecision, { kind: 'evict' }>,
    signal: AbortSignal,
  ): Promise<EvictionOutcome> {
    const { evict, attempts, clock, metrics } = this.#options;
    const { key, pod, policy } = context;
    const { namespace, name, uid } = pod;
    const answer = await evict({ namespace, name, ...preconditions }, signal);
    metrics.answer(answer.kind);
    const recheckMs = parseDurationMs(policy.spec.remediation.recheckInterval) ?? DEFAULT_RECHECK_MS;
    const result = interpretAnswer(answer, attempts.failuresOf(key, uid), recheckMs);
    switch (result.kind) {
      case 'accepted':
        return this.#accepted(context);
      case 'gone':
        return { kind: 'gone' };
      case 'not-accepted': {
        const { reason, delayMs } = result;
        attempts.failed(key, uid, { reason, untilMs: clock.now() + delayMs });
        return { kind: 'not-accepted', answer, delayMs };
      }
    }
  }

  #accepted({ key, pod }: Pick<EvictionContext, 'key' | 'pod'>): EvictionOutcome {
    this.#options.attempts.accepted(key, pod.uid);
    return { kind: 'accepted' };
  }
}
