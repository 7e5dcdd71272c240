import type { Clock, Random } from '@archpolicy/async';
import {
  escalates,
  isGated,
  readPodLabels,
  liftRetryDelayMs,
  liftEvent,
  refusedEvent,
  selectPolicy,
  waitEvent,
} from '@archpolicy/core';
import type { GatedPodInput, GateEvent, Inspection, JsonObject, PodFacts } from '@archpolicy/core';
import type { ReconcileResult } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { decideAction, liftUnconstrained } from './decision.ts';
import type { GateAction } from './decision.ts';
import type { Inspections } from './inspections.ts';
import { Lifter } from './lifter.ts';
import type { LiftOutcome } from './lifter.ts';
import type { GateMetrics } from './metrics.ts';
import type { PodClient } from './pod-client.ts';
import type { Events, View } from './ports.ts';
import type { RawPodCache } from './raw-pod-cache.ts';
import { hasPendingGate } from './gated-pods.ts';
import type { GatedPod, GatedPods } from './gated-pods.ts';

/**
 * Number of conflicts in a row that are retried without delay. No delay is needed, because a conflict usually means
 * that another client wrote a single condition of the pod.
 */
const QUICK_CONFLICTS = 3;
/** How long a pod waits before it gets an event. Most pods get none, because most gates are lifted within a second. */
const EVENT_AFTER_MS = 5_000;
const NO_IMAGES: ReadonlyMap<string, Inspection> = new Map();

export interface GateReconcilerOptions {
  readonly view: View;
  readonly tracked: GatedPods;
  readonly rawPods: RawPodCache;
  readonly inspections: Inspections;
  readonly calls: PodClient;
  readonly events: Events;
  readonly metrics: GateMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

type ActionOf<K extends GateAction['kind']> = Extract<GateAction, { readonly kind: K }>;

/** The pod to reconcile. */
interface Target {
  readonly key: string;
  readonly facts: PodFacts;
  readonly tracked: GatedPod;
  readonly input: GatedPodInput;
}

/** Reconciles one gated pod: gathers the input, decides, and acts. Never waits for a registry. */
export class GateReconciler {
  readonly #options: GateReconcilerOptions;
  readonly #lifter: Lifter;

  constructor(options: GateReconcilerOptions) {
    this.#options = options;
    this.#lifter = new Lifter(options.calls, (level, answer) => {
      options.metrics.patched(level, answer);
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const subject = await this.#gather(key, signal);
    if (subject === undefined) return {};
    const action = this.#decide(subject);
    switch (action.kind) {
      case 'none':
        return this.#finish(subject);
      case 'wait':
        return this.#wait(subject, action);
      case 'lift':
        return this.#lift(subject, action, signal);
    }
  }

  /** Gathers the input of the decision. Returns undefined if there is nothing left to do for the pod. */
  async #gather(key: string, signal: AbortSignal): Promise<Target | undefined> {
    const { view, tracked: all, rawPods, inspections, clock } = this.#options;
    const facts = view.pods.byKey(key);
    if (facts === undefined || !hasPendingGate(facts)) {
      inspections.release(key);
      all.drop(key);
      rawPods.drop(key);
      return undefined;
    }
    const tracked = all.track(key, facts, clock.monotonic());
    if (tracked.finished === facts.resourceVersion) return undefined;
    tracked.finished = undefined;
    const pod = await this.#read(key, facts, signal);
    if (pod === undefined || !isGated(pod)) {
      this.#finish({ key, facts, tracked });
      return undefined;
    }
    return { key, facts, tracked, input: await this.buildInput(pod, facts, tracked, signal) };
  }

  /** Returns the pod in the version that the watch delivered last, or in a newer version. */
  async #read(key: string, facts: PodFacts, signal: AbortSignal): Promise<JsonObject | undefined> {
    const { rawPods, calls } = this.#options;
    const kept = rawPods.get(key, facts.resourceVersion);
    if (kept !== undefined) return kept;
    const pod = await calls.read(facts, signal);
    if (pod !== undefined) rawPods.set(key, facts.resourceVersion, pod);
    return pod;
  }

  async buildInput(
    pod: JsonObject,
    { namespace, createdAtMs }: PodFacts,
    { firstSeenMs }: GatedPod,
    signal: AbortSignal,
  ): Promise<GatedPodInput> {
    const { view, clock } = this.#options;
    const namespaceFacts = view.namespaces.get(namespace) ?? (await view.namespaces.fetch(namespace, signal));
    const policy = namespaceFacts && selectPolicy(view.policies.list(), namespaceFacts, readPodLabels(pod));
    const nowMs = clock.now();
    // Uses the larger of two durations, so that a wrong wall clock cannot keep the pod gated longer than `gateTimeout`.
    const waitedMs = Math.max(nowMs - createdAtMs, clock.monotonic() - firstSeenMs);
    return { pod, namespace, namespaceFacts, policy, images: NO_IMAGES, nodes: view.nodes.list(), nowMs, waitedMs };
  }

  #decide({ key, input }: Target): GateAction {
    try {
      return decideAction(this.#options.inspections, key, input);
    } catch (err) {
      this.#options.logger.error({ err, pod: key }, 'placement decision failed, lifting the gate unconstrained');
      return liftUnconstrained(input);
    }
  }

  #wait({ facts, tracked, input }: Target, { causes, remainingMs }: ActionOf<'wait'>): ReconcileResult {
    if (!tracked.waitReported && causes.length > 0 && input.waitedMs >= EVENT_AFTER_MS) {
      tracked.waitReported = true;
      this.#recordEvent(facts, waitEvent(causes, remainingMs), () => {
        tracked.waitReported = false;
      });
    }
    return { requeueAfterMs: remainingMs };
  }

  async #lift(subject: Target, action: ActionOf<'lift'>, signal: AbortSignal): Promise<ReconcileResult> {
    const { key, facts, tracked, input } = subject;
    const { fallbacks, decision, remainingMs } = action;
    const { answered500 } = tracked;
    const escalate = escalates(tracked.passes, remainingMs <= 0);
    const lifting = { pod: input.pod, fallbacks, escalate, answered500 };
    const outcome = await this.#lifter.lift(facts, lifting, signal);
    switch (outcome.kind) {
      case 'gone':
        return this.#finish(subject);
      case 'changed':
        this.#options.rawPods.set(key, facts.resourceVersion, outcome.pod);
        return this.#conflicted(tracked);
      case 'failed':
        return this.#failed(subject, outcome, remainingMs);
      case 'lifted': {
        const { level, refused } = outcome;
        const { metrics } = this.#options;
        metrics.lifted(level, decision.reason, input.waitedMs);
        if (action.timedOut) metrics.timedOut();
        this.#recordEvent(facts, liftEvent({ ...action, contradicted: fallbacks.contradicted, level, refused }));
        return this.#finish(subject);
      }
    }
  }

  #conflicted(tracked: GatedPod): ReconcileResult {
    tracked.conflicts += 1;
    const late = tracked.conflicts - QUICK_CONFLICTS;
    return { requeueAfterMs: late <= 0 ? 0 : liftRetryDelayMs(late, this.#options.random()) };
  }

  #failed(
    { key, facts, tracked }: Target,
    { status, refused, retryAfterMs, answered500 }: Extract<LiftOutcome, { readonly kind: 'failed' }>,
    remainingMs: number,
  ): ReconcileResult {
    const { metrics, logger, random } = this.#options;
    tracked.passes += 1;
    tracked.answered500 = answered500;
    const delayMs = liftRetryDelayMs(tracked.passes, random(), { retryAfterMs, remainingMs });
    metrics.failed();
    logger.warn({ pod: key, status, refused, delayMs }, 'failed to lift gate, retrying');
    if (refused) this.#recordEvent(facts, refusedEvent(status));
    return { requeueAfterMs: delayMs };
  }

  #finish({ key, facts, tracked }: Omit<Target, 'input'>): ReconcileResult {
    tracked.finished = facts.resourceVersion;
    this.#options.inspections.release(key);
    this.#options.rawPods.drop(key);
    return {};
  }

  #recordEvent({ namespace, name, uid }: PodFacts, event: GateEvent | undefined, onDropped?: () => void): void {
    if (event === undefined) return;
    const regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
    const action = event.reason === 'Inspecting' ? 'Wait' : 'Lift';
    this.#options.events.record({ regarding, action, ...event }, onDropped);
  }
}
