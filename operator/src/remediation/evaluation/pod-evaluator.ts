import type { Clock } from '@archpolicy/async';
import {
  decideEviction,
  forecastReplacement,
  isRelaxedAt,
  isSkipped,
  isUnschedulable,
  requiredArchitecture,
  needsRelaxation,
  relaxingHelps,
  evaluateReplacement,
  runsDespiteImages,
  unschedulableAfterMs,
  workloadKey,
} from '@archpolicy/core';
import type {
  ArchPolicyStatus,
  BlockedBudget,
  EvictionAccount,
  EvictionDecision,
  EvictionInput,
  EvictionLedger,
  EvictionLimit,
  LastAttempt,
  ReplacementForecast,
  PlacementAssessment,
  PodFacts,
  Unschedulable,
} from '@archpolicy/core';
import type { EvictionAttempts, FailedAttempt } from '../eviction-attempts.ts';
import type { Nodes, Webhook } from '../ports.ts';
import { toAccount, assess } from './context-gatherer.ts';
import type { EvictionContext } from './context-gatherer.ts';
import type { NodeReservations } from './node-reservations.ts';
import type { ReadinessHistory } from './readiness-history.ts';
import type { UnschedulableHistory } from './unschedulable-history.ts';

/** The decision about a pod, with the assessment of its placement on which the decision is based. */
export interface Evaluation {
  readonly assessment: PlacementAssessment;
  readonly decision: EvictionDecision;
  /**
   * R9: whether the preference must be relaxed for the pod's workload. The policy's status then records the relaxation.
   */
  readonly relax: boolean;
  /** The policy and the owner of the pod. An eviction of the pod counts towards their limits. */
  readonly account: EvictionAccount;
  /** The disruption budget because of which the pod is not evicted. */
  readonly budget?: BlockedBudget;
}

export interface PodEvaluatorOptions {
  readonly nodes: Nodes;
  readonly reservations: Pick<NodeReservations, 'on'>;
  readonly webhook: Pick<Webhook, 'callFor' | 'isReachable'>;
  readonly ledger: Pick<EvictionLedger, 'limit' | 'limitOfReserved'>;
  readonly attempts: Pick<EvictionAttempts, 'get'>;
  readonly readiness: Pick<ReadinessHistory, 'hasBeenReady' | 'getCrashes'>;
  readonly unschedulable: Pick<UnschedulableHistory, 'forMs'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Evaluates a pod by the rules of core. Synchronous. */
export class PodEvaluator {
  readonly #options: PodEvaluatorOptions;

  constructor(options: PodEvaluatorOptions) {
    this.#options = options;
  }

  /**
   * @param hasSlot whether a slot is reserved for the eviction. If so, only the brake is checked, not the other limits
   */
  evaluate(context: EvictionContext, hasSlot = false): Evaluation {
    const { clock, webhook, attempts, readiness } = this.#options;
    const { pod, policy, namespace, node, job } = context;
    const assessment = assess(context, clock.now());
    const attempt = attempts.get(context.key, pod.uid);
    const crashes = readiness.getCrashes(pod.uid);
    const observed = {
      ...{ nowMs: clock.now(), pod, policy: policy.spec, assessment },
      hasBeenReady: readiness.hasBeenReady(pod.uid),
      ...(crashes !== undefined && { crashes }),
    };
    const forecast = this.#forecast(context, assessment);
    const account = {
      ...toAccount(context),
      ...(runsDespiteImages(observed) && { hasRun: true }),
      ...(forecast === 'from-zero' && { fromZero: true }),
    };
    const limit = this.#limit(account, pod.uid, hasSlot);
    const input: EvictionInput = {
      ...observed,
      skipped: isSkipped(pod.labels, namespace),
      namespaceDeleting: namespace.deleting === true,
      ...(node !== undefined && { node }),
      replacement: evaluateReplacement(pod, job, policy.spec.remediation.ownerKinds),
      webhook: checkWebhook(webhook, context),
      ...this.#unschedulable(context),
      forecast,
      limit,
      ...(attempt.kind === 'failed' && { lastAttempt: this.#lastAttempt(attempt.lastAttempt) }),
      evictedBefore: attempt.kind === 'accepted',
    };
    const decision = decideEviction(input);
    const isBlocked = 'budget' in limit && decision.reason === limit.reason;
    const budget = isBlocked ? { budget: limit.budget } : {};
    return { assessment, decision, relax: needsRelaxation(input), account, ...budget };
  }

  #forecast(
    { pod, policy, namespace, node, inspections }: EvictionContext,
    assessment: PlacementAssessment,
  ): ReplacementForecast {
    if (assessment.kind !== 'misplaced' || node === undefined) return 'right';
    const { nodes, clock } = this.#options;
    const input = { pod, namespace, policy, images: inspections, nodes: nodes.list(), nowMs: clock.now() };
    return forecastReplacement(input, node, assessment.architectures);
  }

  /** R9: returns the part of the decision's input that only an unschedulable pod has. Empty for other pods. */
  #unschedulable({ pod, policy, namespace, inspections }: EvictionContext): { readonly unschedulable?: Unschedulable } {
    if (!isUnschedulable(pod)) return {};
    const { nodes, reservations, clock } = this.#options;
    const nowMs = clock.now();
    const reservedOn = reservations.on.bind(reservations);
    const input = { pod, namespace, policy, images: inspections, nodes: nodes.list(), reservedOn, nowMs };
    const forMs = this.#options.unschedulable.forMs(pod.uid);
    const afterMs = unschedulableAfterMs(pod, policy.spec);
    const relaxed = isRelaxedFor(pod, policy.status?.relaxed ?? [], nowMs);
    return {
      unschedulable: {
        forMs,
        afterMs,
        // Computed only if it is needed, because it compares the pod with every node.
        relaxingHelps: forMs >= afterMs && relaxingHelps(input),
        relaxed,
      },
    };
  }

  #lastAttempt({ reason, retryAtMonotonicMs }: FailedAttempt): LastAttempt {
    return { reason, untilMs: this.#toWallClock(retryAtMonotonicMs) };
  }

  /** Converts a monotonic time to the current wall clock, which decisions use. */
  #toWallClock(monotonicMs: number): number {
    const { clock } = this.#options;
    return monotonicMs - clock.monotonic() + clock.now();
  }

  /**
   * Returns the limit of an eviction. Converts its time from the monotonic clock of the ledger to the wall clock,
   * because decisions use the wall clock.
   */
  #limit(account: EvictionAccount, uid: string, hasSlot: boolean): EvictionLimit {
    const { ledger, clock } = this.#options;
    const monotonicMs = clock.monotonic();
    const limit = hasSlot ? ledger.limitOfReserved(account, uid, monotonicMs) : ledger.limit(account, uid, monotonicMs);
    return limit.kind === 'free' ? limit : { ...limit, untilMs: this.#toWallClock(limit.untilMs) };
  }
}

function checkWebhook(
  webhook: Pick<Webhook, 'callFor' | 'isReachable'>,
  { namespace, pod }: EvictionContext,
): EvictionInput['webhook'] {
  const call = webhook.callFor(namespace, pod.labels);
  if (call !== 'called') return call;
  return webhook.isReachable() ? 'reachable' : 'unreachable';
}

/**
 * R9: whether the preference that constrained the pod is relaxed for its workload, its namespace or its architecture.
 */
function isRelaxedFor(pod: PodFacts, relaxed: NonNullable<ArchPolicyStatus['relaxed']>, nowMs: number): boolean {
  const { namespace } = pod;
  return isRelaxedAt(relaxed, { workload: workloadKey(pod), namespace }, nowMs, requiredArchitecture(pod));
}
