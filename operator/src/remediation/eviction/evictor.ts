import { KeyedConcurrencyLimit } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { parseDurationMs, withoutUndefined } from '@archpolicy/core';
import type {
  BlockedBudget,
  BudgetRejection,
  EvictionAccount,
  EvictionDecision,
  EvictionLedger,
  NodeFacts,
  PodFacts,
} from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';
import type { RemediationMetrics } from '../../reporting/metrics.ts';
import { toAccount } from '../evaluation/context-gatherer.ts';
import type { ContextGatherer, EvictionContext } from '../evaluation/context-gatherer.ts';
import { readSameNode } from '../evaluation/current-node.ts';
import type { Evaluation, PodEvaluator } from '../evaluation/pod-evaluator.ts';
import type { Evict, EvictionRecord, Lease, NodeReader, PodReader, Webhook } from '../ports.ts';
import type { EvictionAttempts } from '../eviction-attempts.ts';
import { interpretResult } from './eviction-retry.ts';
import type { ResultForOnePod } from './eviction-retry.ts';

/** The outcome of one attempt to evict a pod. */
export type EvictionOutcome =
  /** `unblocked`: the disruption budget that blocked until now. */
  | { readonly kind: 'accepted'; readonly unblocked?: BlockedBudget | undefined }
  | { readonly kind: 'gone' }
  /** A disruption budget rejected the eviction. `isNew`: it allowed evictions before. */
  | { readonly kind: 'blocked'; readonly budget: BlockedBudget; readonly isNew: boolean }
  /** Nothing was sent, because the evaluation right before the call decided against the eviction. */
  | { readonly kind: 'no-longer-evictable'; readonly evaluation: Evaluation }
  /**
   * Nothing was sent, because right before the call, the pod had no governing policy, or another policy governed it, or
   * its policy had changed.
   */
  | { readonly kind: 'policy-changed' }
  /**
   * Nothing was sent, because right before the call, the pod was on another node, or another node of the same name had
   * replaced its node.
   */
  | { readonly kind: 'node-changed' }
  /** Nothing was sent, because the Lease was lost. */
  | { readonly kind: 'not-leading' }
  | { readonly kind: 'not-accepted'; readonly answer: ResultForOnePod; readonly delayMs: number };

export interface EvictorOptions {
  readonly gatherer: Pick<ContextGatherer, 'refresh'>;
  readonly evaluator: Pick<PodEvaluator, 'evaluate'>;
  readonly reader: PodReader & NodeReader;
  readonly evict: Evict;
  readonly lease: Lease;
  readonly webhook: Pick<Webhook, 'confirm'>;
  readonly ledger: Pick<EvictionLedger, 'reserve' | 'recordRequest' | 'release' | 'budgets'>;
  readonly record: EvictionRecord;
  readonly attempts: EvictionAttempts;
  readonly metrics: Pick<RemediationMetrics, 'answer'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/**
 * Number of evictions that call the API server at the same time. Each makes one or two calls at a time, which leaves
 * connections of the client to other parts.
 */
const MAX_CALLING = 16;

/**
 * The recheck interval that is used if the duration in the policy cannot be parsed, although the CRD's schema accepted
 * it.
 */
const DEFAULT_RECHECK_MS = 600_000;

/**
 * Evicts a pod (R8): reserves a slot, records it for the next leader, probes the webhook, reads the pod and its node, evaluates the pod
 * again, checks the Lease, and calls the Eviction API.
 */
export class Evictor {
  readonly #options: EvictorOptions;
  readonly #calling = new KeyedConcurrencyLimit<'eviction'>({
    ...{ priorities: ['eviction'], maxRunning: MAX_CALLING, maxRunningPerKey: MAX_CALLING },
    ...{ maxWaiting: Infinity, maxWaitingPerKey: Infinity },
  });

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /**
   * Evicts the pod. It reserves the slot synchronously. So there must be no `await` between the evaluation that checked
   * the limits and this call, or other evictions could exceed the limits.
   */
  async evict(context: EvictionContext, account: EvictionAccount, signal: AbortSignal): Promise<EvictionOutcome> {
    const { ledger, clock, attempts } = this.#options;
    const { uid } = context.pod;
    ledger.reserve(uid, account, clock.monotonic());
    let keepsSlot = false;
    try {
      const outcome = await this.#evictWithSlot(context, signal);
      keepsSlot = outcome.kind === 'accepted' || attempts.isUnanswered(context.key, uid);
      return outcome;
    } finally {
      ledger.budgets.onEnded(account, uid);
      if (!keepsSlot) ledger.release(uid, clock.monotonic());
    }
  }

  async #evictWithSlot(context: EvictionContext, signal: AbortSignal): Promise<EvictionOutcome> {
    const { evaluator, record } = this.#options;
    const notEvictable = (): EvictionOutcome => ({
      kind: 'no-longer-evictable',
      evaluation: evaluator.evaluate(context, true),
    });
    if (!(await record.waitUntilWritten(signal))) return signal.aborted ? { kind: 'not-leading' } : notEvictable();
    const slot = { priority: 'eviction', key: '', item: context.pod.uid } as const;
    return (await this.#calling.run(slot, () => this.#evictRecorded(context, signal))) ?? notEvictable();
  }

  /** Evicts a pod whose slot is in the record for the next leader. */
  async #evictRecorded(context: EvictionContext, signal: AbortSignal): Promise<EvictionOutcome> {
    const { lease, evaluator, webhook } = this.#options;
    if (!(await webhook.confirm(signal))) {
      return { kind: 'no-longer-evictable', evaluation: evaluator.evaluate(context, true) };
    }
    const current = await this.#readAgain(context, signal);
    if (!('key' in current)) return current;
    const evaluation = evaluator.evaluate(current, true);
    if (evaluation.decision.kind !== 'evict') return { kind: 'no-longer-evictable', evaluation };
    if (!lease.isHeld()) return { kind: 'not-leading' };
    return this.#call(current, evaluation.decision, signal);
  }

  /**
   * Reads the pod and its node from the API server. Returns the context with the pod and node that were read, or an
   * outcome if the pod must not be evicted.
   */
  async #readAgain(context: EvictionContext, signal: AbortSignal): Promise<EvictionContext | EvictionOutcome> {
    const { reader, gatherer, attempts } = this.#options;
    const { namespace, name, uid } = context.pod;
    const [pod, node] = await Promise.all([
      reader.read(namespace, name, signal),
      context.node && readSameNode(reader, context.node, signal),
    ]);
    const ends = pod?.uid !== uid || pod.deleting;
    if (ends && attempts.isUnanswered(context.key, uid)) return this.#accepted(context);
    if (pod?.uid !== uid) return { kind: 'gone' };
    if (!isOnSameNode(context, pod, node)) return { kind: 'node-changed' };
    const current = gatherer.refresh(context, pod);
    return current === undefined ? { kind: 'policy-changed' } : { ...current, node };
  }

  async #call(
    context: EvictionContext,
    { preconditions }: Extract<EvictionDecision, { kind: 'evict' }>,
    signal: AbortSignal,
  ): Promise<EvictionOutcome> {
    const { evict, ledger, attempts, clock, metrics } = this.#options;
    const { key, pod, policy } = context;
    const { namespace, name, uid } = pod;
    ledger.recordRequest(uid);
    const answer = await evict({ namespace, name, ...preconditions }, signal);
    metrics.answer(answer.kind);
    const recheckMs = parseDurationMs(policy.spec.remediation.recheckInterval) ?? DEFAULT_RECHECK_MS;
    if (answer.kind === 'budget' || answer.kind === 'several-budgets') {
      attempts.reset(key);
      const rejection = toRejection(answer, recheckMs);
      return { kind: 'blocked', ...ledger.budgets.onRejected(toAccount(context), uid, rejection, clock.monotonic()) };
    }
    const result = interpretResult(answer, attempts.countFailures(key, uid), recheckMs);
    switch (result.kind) {
      case 'accepted':
        return this.#accepted(context);
      case 'gone':
        return { kind: 'gone' };
      case 'not-accepted': {
        const { reason, delayMs } = result;
        attempts.failed(key, uid, { reason, retryAtMonotonicMs: clock.monotonic() + delayMs });
        return { kind: 'not-accepted', answer, delayMs };
      }
    }
  }

  #accepted(context: EvictionContext): EvictionOutcome {
    const { attempts, ledger, clock } = this.#options;
    attempts.accepted(context.key, context.pod.uid);
    return { kind: 'accepted', unblocked: ledger.budgets.onAccepted(toAccount(context), clock.monotonic()) };
  }
}

/** @param recheckMs the delay after which the eviction of a pod with several budgets is attempted again, because one may have been deleted */
function toRejection(
  answer: Extract<EvictionResult, { readonly kind: 'budget' | 'several-budgets' }>,
  recheckMs: number,
): BudgetRejection {
  const { message } = answer;
  if (answer.kind === 'several-budgets') return { reason: 'SeveralBudgets', message, retryAfterMs: recheckMs };
  const { budget: name, retryAfterMs } = answer;
  return withoutUndefined({ reason: 'DisruptionBudget', name, message, retryAfterMs });
}

function isOnSameNode(before: EvictionContext, pod: PodFacts, node: NodeFacts | undefined): boolean {
  return pod.nodeName === before.pod.nodeName && node?.uid === before.node?.uid;
}
