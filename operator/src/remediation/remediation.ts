import type { Clock } from '@archpolicy/async';
import { stuckWorkload } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';
import { timeReconcile } from '../controller-metrics.ts';
import type { ControllerMetrics } from '../controller-metrics.ts';
import type { ViolationKind } from '../reporting/brake-metrics.ts';
import type { RemediationMetrics } from '../reporting/metrics.ts';
import type { Reporter } from '../reporting/reporter.ts';
import { ClusterArchitectures, toPodRecord } from '../statistics/pod-record.ts';
import type { PolicyPodStats } from '../statistics/policy-pod-stats.ts';
import { MIN_DELAY_MS } from './evaluation/evaluation-retry.ts';
import { evaluateWhenUp } from './eviction/replacement-retry.ts';
import type { EvaluationRetry } from './evaluation/evaluation-retry.ts';
import { toAccount } from './evaluation/context-gatherer.ts';
import type { ContextGatherer, EvictionContext } from './evaluation/context-gatherer.ts';
import type { Evaluation, PodEvaluator } from './evaluation/pod-evaluator.ts';
import type { EvictionAttempts } from './eviction-attempts.ts';
import type { EvictionOutcome, Evictor } from './eviction/evictor.ts';
import type { PlacementViolations } from './eviction/placement-violations.ts';
import type { Replacements, ReplacementState } from './eviction/replacements.ts';
import type { Nodes, PolicyUpdates } from './ports.ts';
import type { Done, NextStep, Pipeline, StageHandlers } from './queue/eviction-pipeline.ts';
import { isSharedLimit } from './queue/limit-queues.ts';
import type { LimitQueues, WakeUp } from './queue/limit-queues.ts';
import type { EnqueueAll } from './resync/enqueue-all.ts';
import type { ResyncProgress } from './resync/progress.ts';

export interface RemediationOptions {
  readonly pipeline: Pipeline;
  readonly enqueueAll: Pick<EnqueueAll, 'request'>;
  readonly progress: Pick<ResyncProgress, 'evaluated' | 'subscribe'>;
  readonly gatherer: Pick<ContextGatherer, 'gather'>;
  readonly evaluator: Pick<PodEvaluator, 'evaluate'>;
  readonly retry: EvaluationRetry;
  readonly limitQueues: LimitQueues;
  readonly evictor: Evictor;
  readonly attempts: EvictionAttempts;
  readonly replacements: Replacements;
  readonly violations: PlacementViolations;
  readonly nodes: Nodes;
  readonly stats: PolicyPodStats;
  readonly statuses: PolicyUpdates;
  readonly reporter: Reporter;
  readonly metrics: Pick<RemediationMetrics, 'violation' | 'landing'> & Pick<ControllerMetrics, 'reconciled'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/** The evaluation of a pod, its state if it replaces an evicted pod, and the violation that it shows, if any. */
interface Observation {
  readonly evaluation: Evaluation;
  readonly replacement: ReplacementState | undefined;
  readonly violation: ViolationKind | undefined;
}

const DONE: Done = { kind: 'done' };
const AGAIN: Done = { kind: 'evaluate', afterMs: 0 };
/** Delay until the next evaluation. Usually a watch event of the changed node enqueues the pod earlier. */
const NODE_CHANGED_DELAY_MS = 10_000;

/**
 * Moves each pod through these stages: enqueue, evaluate, queue for eviction, evict, report. Each stage gathers input,
 * decides and acts. The other parts only return results; this class acts on them.
 */
export class Remediation {
  readonly #options: RemediationOptions;
  readonly #architectures = new ClusterArchitectures();

  constructor(options: RemediationOptions) {
    this.#options = options;
  }

  // Enqueue.

  enqueue(keys: Iterable<string>): void {
    for (const key of keys) this.#options.pipeline.enqueue(key);
  }

  enqueueAll(): void {
    this.#options.enqueueAll.request();
  }

  /** Must be called when the watch shows that the scheduler has bound a pod. */
  onPodBound(pod: PodFacts): void {
    const { replacements, violations } = this.#options;
    replacements.onBound(pod);
    violations.onBound(pod);
  }

  /** Processes enqueued pods until the signal is aborted and every stage in progress has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { pipeline, progress } = this.#options;
    const end = progress.subscribe(() => {
      pipeline.startEvictions();
    });
    const timed = <T>(stage: () => Promise<T>): Promise<T> => timeReconcile('remediation', this.#options, stage);
    const stages: StageHandlers = {
      evaluate: (key, ended) => timed(() => this.#evaluate(key, ended)),
      evict: (key, ended) => timed(() => this.#evict(key, ended)),
      failed: this.#failed.bind(this),
    };
    await pipeline.run(stages, signal).finally(end);
  }

  // Evaluate.

  async #evaluate(key: string, signal: AbortSignal): Promise<NextStep> {
    const context = await this.#gather(key, signal);
    const next = context === undefined ? DONE : await this.#queueOrPostpone(context, signal);
    this.#options.progress.evaluated(key);
    return next;
  }

  async #queueOrPostpone(context: EvictionContext, signal: AbortSignal): Promise<NextStep> {
    const { violation, replacement, ...observed } = this.#observe(context);
    let { evaluation } = observed;
    if (violation !== undefined) {
      await this.#recordViolation(context, violation, signal);
      // Decides again, because the violation may have stopped evictions. The evict stage checks a decision to evict.
      if (evaluation.decision.kind !== 'evict') evaluation = this.#options.evaluator.evaluate(context);
    }
    evaluation = this.#behindWaiters(context, evaluation);
    if (evaluation.decision.kind !== 'evict') {
      return evaluateWhenUp(this.#postpone(context, evaluation), replacement, this.#options.clock.now());
    }
    this.#count(context, evaluation);
    return { kind: 'evict' };
  }

  /** Gathers the pod's context. Returns undefined for a pod that does not exist or has no governing policy. */
  async #gather(key: string, signal: AbortSignal): Promise<EvictionContext | undefined> {
    const gathered = await this.#options.gatherer.gather(key, signal);
    if (gathered.kind !== 'governed') {
      this.#forget(key);
      return undefined;
    }
    this.#recordEarlierPod(gathered.context);
    return gathered.context;
  }

  /** Evaluates the pod. If the pod is a replacement, records its landing. Detects a violation (R6, R7). */
  #observe(context: EvictionContext): Observation {
    const { evaluator, replacements, violations, metrics, reporter, limitQueues } = this.#options;
    let evaluation = evaluator.evaluate(context);
    const replacement = replacements.onPodEvaluated(context.pod, evaluation.assessment);
    if (replacement?.kind === 'landed') {
      // The slot of the evicted pod may now be the one of this pod.
      if (replacement.landing === 'bypassed') evaluation = evaluator.evaluate(context);
      metrics.landing(replacement.landing);
      reporter.landed(context, replacement.landing);
      this.#wake(limitQueues.wakeNext(toAccount(context)));
    }
    return { evaluation, replacement, violation: violations.detect(context, evaluation, replacement) };
  }

  async #recordViolation(context: EvictionContext, kind: ViolationKind, signal: AbortSignal): Promise<void> {
    const { violations, metrics, reporter } = this.#options;
    if (!(await violations.confirm(context, kind, signal))) return;
    const { pod } = context;
    violations.record(pod);
    metrics.violation(kind);
    reporter.violation(pod, kind);
  }

  // Queue.

  /** Delays an eviction if other pods already wait for a rate, because a new pod must not overtake them. */
  #behindWaiters(context: EvictionContext, evaluation: Evaluation): Evaluation {
    if (evaluation.decision.kind !== 'evict') return evaluation;
    const reason = this.#options.limitQueues.findEarlierWaiter({ key: context.key, account: evaluation.account });
    return reason === undefined ? evaluation : { ...evaluation, decision: { kind: 'wait', reason } };
  }

  #wake(pods: readonly WakeUp[]): void {
    for (const { key, delayMs } of pods) this.#options.pipeline.enqueue(key, delayMs);
  }

  // Evict.

  async #evict(key: string, signal: AbortSignal): Promise<Done> {
    const context = await this.#gather(key, signal);
    if (context === undefined) return DONE;
    const { evaluation: found, violation } = this.#observe(context);
    if (violation !== undefined) {
      // The pod is then evaluated again, because the limits may have changed while the violation was confirmed.
      await this.#recordViolation(context, violation, signal);
      return AGAIN;
    }
    const evaluation = this.#behindWaiters(context, found);
    // There must be no await between the evaluation and the reservation of a slot, which is the evictor's first step.
    // Otherwise another eviction could take the slot that this evaluation found free.
    return evaluation.decision.kind === 'evict'
      ? this.#evictNow(context, evaluation, signal)
      : this.#postpone(context, evaluation);
  }

  async #evictNow(context: EvictionContext, evaluation: Evaluation, signal: AbortSignal): Promise<Done> {
    const { evictor, replacements, limitQueues } = this.#options;
    const { key, pod } = context;
    replacements.onEvictionRequested(pod);
    const evicting = evictor.evict(context, evaluation.account, signal);
    // The slot of this eviction is already reserved, so the next pod in the queue need not wait for the response.
    this.#wake(limitQueues.leave(key));
    const outcome = await evicting;
    replacements.prune(pod);
    this.#wake(limitQueues.wakeNext(toAccount(context)));
    return this.#report(context, evaluation, outcome);
  }

  // Report.

  #report(context: EvictionContext, evaluation: Evaluation, outcome: EvictionOutcome): Done {
    const { reporter, stats, statuses, evaluator } = this.#options;
    switch (outcome.kind) {
      case 'accepted':
        stats.delete(context.key);
        reporter.evicted(context, evaluation);
        if (outcome.unblocked !== undefined) reporter.unblocked(context, outcome.unblocked);
        statuses.evicted(context.policy.name);
        return DONE;
      case 'gone':
        stats.delete(context.key);
        return DONE;
      case 'not-leading':
        return DONE;
      case 'policy-changed':
        return { kind: 'evaluate', afterMs: MIN_DELAY_MS };
      case 'node-changed':
        return { kind: 'evaluate', afterMs: NODE_CHANGED_DELAY_MS };
      case 'no-longer-evictable':
        return this.#postpone(context, outcome.evaluation);
      case 'blocked':
        if (outcome.isNew) reporter.blocked(context, outcome.budget);
        return this.#postpone(context, evaluator.evaluate(context));
      case 'not-accepted':
        reporter.notAccepted(context, outcome.answer, outcome.delayMs);
        return this.#postpone(context, evaluator.evaluate(context));
    }
  }

  /** Counts and reports a pod that is not evicted now. Schedules the pod's next evaluation. */
  #postpone(context: EvictionContext, evaluation: Evaluation): Done {
    const { reporter, limitQueues, statuses, retry, clock } = this.#options;
    const { key, pod, policy } = context;
    const { decision, account, budget } = evaluation;
    this.#count(context, evaluation);
    if (evaluation.relax) statuses.relax(policy.name, stuckWorkload(pod));
    reporter.decided(context, evaluation, budget?.message);
    if (decision.kind === 'wait' && isSharedLimit(decision.reason)) {
      retry.forget(pod.uid);
      this.#wake(limitQueues.wait({ key, uid: pod.uid, account, budget: budget?.key }, decision.reason));
      return DONE;
    }
    this.#wake(limitQueues.leave(key));
    // The evaluation that stopped the attempt differs from the last one, because an input has changed since then.
    if (decision.kind === 'evict') return { kind: 'evaluate', afterMs: MIN_DELAY_MS };
    const afterMs = retry.delayMs(pod, decision, clock.now());
    return afterMs === undefined ? DONE : { kind: 'evaluate', afterMs };
  }

  #count(context: EvictionContext, evaluation: Evaluation): void {
    const { stats, nodes } = this.#options;
    stats.update(context.key, toPodRecord(context, evaluation, this.#architectures.of(nodes.list())));
  }

  /** Drops an earlier pod of this name. Counts an unanswered attempt as accepted if the pod is being deleted. */
  #recordEarlierPod({ key, pod, policy }: EvictionContext): void {
    const { stats, attempts, statuses } = this.#options;
    const before = stats.get(key);
    if (before !== undefined && before.uid !== pod.uid) this.#forget(key);
    if (!pod.deleting || !attempts.isUnanswered(key, pod.uid)) return;
    attempts.accepted(key, pod.uid);
    statuses.evicted(policy.name);
  }

  #forget(key: string): void {
    const { stats, attempts, limitQueues, violations, reporter, retry, statuses } = this.#options;
    reporter.forget(key);
    violations.forget(key);
    const before = stats.delete(key);
    const wasEvicted = attempts.forget(key);
    if (before !== undefined) retry.forget(before.uid);
    if (before !== undefined && wasEvicted) statuses.evicted(before.policy);
    this.#wake(limitQueues.leave(key));
  }

  #failed(key: string, err: unknown): void {
    const { logger, limitQueues } = this.#options;
    logger.warn({ err, pod: key }, 'failed to reconcile pod');
    // The pod leaves its queue, so that the pods behind it need not wait for its retry.
    this.#wake(limitQueues.leave(key));
  }
}
