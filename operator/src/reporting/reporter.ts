import type { Clock } from '@archpolicy/async';
import { isUnschedulable } from '@archpolicy/core';
import type {
  ArchPolicy,
  BlockedBudget,
  EvictionDecision,
  PlacementOutcome,
  NodeFacts,
  PlacementAssessment,
  PodFacts,
  ReportReason,
  WaitReason,
} from '@archpolicy/core';
import type { EventInput, EvictionResult } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { ViolationKind } from './brake-metrics.ts';
import {
  brokenImageNote,
  evictedNote,
  relaxedNote,
  replacementBrokenNote,
  stayingNote,
  stuckNote,
} from './messages.ts';
import type { Misplacement } from './messages.ts';

/** The fields of an evaluated pod that reports use. */
export interface ReportedPod {
  readonly key: string;
  readonly pod: PodFacts;
  readonly policy: Pick<ArchPolicy, 'name'>;
  readonly node: NodeFacts | undefined;
}

/** The evaluation of a pod. */
export interface Finding {
  readonly assessment: PlacementAssessment;
  readonly decision: EvictionDecision;
}

export interface ReporterOptions {
  readonly events: { record(event: EventInput, onDropped?: () => void): void };
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * How often an event that still applies is repeated. It is less than an hour, because the API server deletes events
 * after an hour.
 */
const REPEAT_MS = 50 * 60_000;

/** Wait reasons that get an event, because they may need a user's action. The other wait reasons end by themselves. */
const WAITS_WITH_EVENT: ReadonlySet<EvictionDecision['reason']> = new Set(['DisruptionBudget', 'Forbidden']);
/** Wait reasons that are not logged, because they are part of the normal course of an eviction. */
const UNLOGGED_WAITS: ReadonlySet<EvictionDecision['reason']> = new Set([
  'GracePeriod',
  'NodeNotReady',
  'ReadyTooShort',
  'UnschedulableTooShort',
  'Conflict',
]);

/**
 * Reasons that are logged for each pod with level debug only, because one cause can concern many pods. One registry can make the
 * images of 100,000 pods unknown: the inspector logs why, once for each host and cause (I11). A disruption budget is logged once, when it
 * begins to block.
 */
const DEBUG_REASONS: ReadonlySet<EvictionDecision['reason']> = new Set([
  'ImagesUnknown',
  'DisruptionBudget',
  'SeveralBudgets',
]);

/** Reports evaluations and evictions by events on the pod and in the log. */
export class Reporter {
  readonly #options: ReporterOptions;
  /**
   * The reports on each pod that is misplaced, broken or unschedulable, but not evicted. There is one for each reason, so that a pod
   * that waits for a budget and for its owner's limit alternately is not reported each time.
   */
  readonly #reported = new Map<string, { readonly uid: string; readonly reports: Map<string, Report> }>();
  /** The last answer to an eviction request that was not accepted, by pod. */
  readonly #answers = new Map<string, { readonly uid: string; readonly answer: string }>();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Reports the decision on a pod that is not evicted. Repeats a report only if the last report with this reason is
   * older than REPEAT_MS. An event that was dropped is recorded again, without a second log line.
   */
  decided({ key, pod, policy, node }: ReportedPod, { assessment, decision }: Finding, detail?: string): void {
    if (decision.kind !== 'report' && decision.kind !== 'wait') {
      this.#reported.delete(key);
      return;
    }
    const { reason } = decision;
    const { report, isNew } = this.#getReport(key, pod.uid, reason);
    if (isNew) this.#logDecision({ key, pod, policy, node }, decision);
    if (!report.needsEvent) return;
    report.needsEvent = false;
    if (decision.kind === 'wait' && !WAITS_WITH_EVENT.has(reason)) return;
    const note = buildNote({ pod, node }, assessment, reason, detail);
    if (note === undefined) return;
    this.#event(pod, 'Warning', reason, note, () => {
      report.needsEvent = true;
    });
  }

  #logDecision({ pod, policy, node }: ReportedPod, { kind, reason }: EvictionDecision): void {
    const fields = { ...logFields(pod), policy: policy.name, node: node?.name, reason };
    const level = DEBUG_REASONS.has(reason) ? 'debug' : 'info';
    if (kind === 'report') this.#options.logger[level](fields, 'pod not evicted');
    else if (!UNLOGGED_WAITS.has(reason)) this.#options.logger[level](fields, 'eviction delayed');
  }

  /** Drops the report on a pod that was deleted or is no longer governed. */
  forget(key: string): void {
    this.#reported.delete(key);
    this.#answers.delete(key);
  }

  evicted({ key, pod, policy, node }: ReportedPod, { assessment }: Finding): void {
    this.#answers.delete(key);
    this.#options.logger.info({ ...logFields(pod), policy: policy.name, node: node?.name }, 'pod evicted');
    if (isUnschedulable(pod)) this.#event(pod, 'Normal', 'PreferenceRelaxed', relaxedNote(pod));
    if (node === undefined || assessment.kind !== 'misplaced') return;
    this.#event(pod, 'Normal', 'Misplaced', evictedNote(toMisplacement(pod, node, assessment)));
  }

  /** Reports that a request was not accepted, unless the last request for the pod had the same answer. */
  notAccepted({ key, pod, policy }: ReportedPod, answer: EvictionResult, delayMs: number): void {
    const before = this.#answers.get(key);
    if (before?.uid === pod.uid && before.answer === answer.kind) return;
    this.#answers.set(key, { uid: pod.uid, answer: answer.kind });
    const fields = { ...logFields(pod), policy: policy.name, answer: answer.kind, delayMs };
    const isPermanent = answer.kind === 'forbidden' || answer.kind === 'invalid';
    if (isPermanent) this.#options.logger.error({ ...fields, text: answer.message }, 'eviction rejected');
    else this.#options.logger.info(fields, 'eviction not accepted');
  }

  /** R8: reports that a disruption budget began to block evictions. The pod is the first that it blocked. */
  blocked({ pod, policy }: ReportedPod, budget: BlockedBudget): void {
    const { reason, name, message: text } = budget;
    const fields = { ...logFields(pod), policy: policy.name, reason, budget: name, text };
    this.#options.logger.info(fields, 'disruption budget blocks evictions');
  }

  /** R8: reports that a disruption budget has accepted the eviction of this pod, and blocked evictions before. */
  unblocked({ pod, policy }: ReportedPod, { name }: BlockedBudget): void {
    const fields = { ...logFields(pod), policy: policy.name, budget: name };
    this.#options.logger.info(fields, 'disruption budget allows evictions again');
  }

  landed({ pod, node }: ReportedPod, landing: PlacementOutcome): void {
    const fields = { ...logFields(pod), node: pod.nodeName };
    if (landing === 'right') this.#options.logger.info(fields, 'replacement landed right');
    else if (landing === 'wrong') this.#options.logger.warn(fields, 'replacement landed wrong');
    else if (landing === 'bypassed')
      this.#options.logger.warn(fields, 'replacement landed wrong without a decision of the webhook');
    else this.#landedBroken(pod, node?.name ?? '', fields);
  }

  #landedBroken(pod: PodFacts, node: string, fields: Record<string, unknown>): void {
    this.#options.logger.warn(fields, 'replacement has a broken image, evictions of its owner stopped');
    this.#event(pod, 'Warning', 'ReplacementBroken', replacementBrokenNote(pod, node));
  }

  /** R7: reports a placement violation that the brake counts. */
  violation(pod: PodFacts, violation: ViolationKind): void {
    this.#options.logger.warn({ ...logFields(pod), node: pod.nodeName, violation }, 'placement violation');
  }

  /** Returns the last report on the pod with this reason if it still applies, else a new one. */
  #getReport(key: string, uid: string, reason: string): { readonly report: Report; readonly isNew: boolean } {
    const now = this.#options.clock.monotonic();
    const known = this.#reported.get(key);
    const reports = known?.uid === uid ? known.reports : new Map<string, Report>();
    const before = reports.get(reason);
    if (before !== undefined && now - before.at < REPEAT_MS) return { report: before, isNew: false };
    const report = { at: now, needsEvent: true };
    this.#reported.set(key, { uid, reports: reports.set(reason, report) });
    return { report, isNew: true };
  }

  #event(pod: PodFacts, type: EventInput['type'], reason: string, note: string, onDropped?: () => void): void {
    const { namespace, name, uid } = pod;
    this.#options.events.record(
      {
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
        type,
        reason,
        action: 'Evict',
        note,
      },
      onDropped,
    );
  }
}

interface Report {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Whether the event has not been recorded, or has been dropped. */
  needsEvent: boolean;
}

/** Returns the note of the event on a pod that is not evicted. */
function buildNote(
  { pod, node }: Pick<ReportedPod, 'pod' | 'node'>,
  assessment: PlacementAssessment,
  reason: ReportReason | WaitReason,
  detail: string | undefined,
): string | undefined {
  if (node === undefined) return isUnschedulable(pod) ? stuckNote(pod, reason) : undefined;
  if (assessment.kind === 'misplaced') return stayingNote(toMisplacement(pod, node, assessment), reason, detail);
  return assessment.kind === 'broken-image' ? brokenImageNote(pod, node.name, assessment.signal.container) : undefined;
}

function toMisplacement(
  pod: PodFacts,
  node: NodeFacts,
  { images, architectures }: Extract<PlacementAssessment, { kind: 'misplaced' }>,
): Misplacement {
  return { pod, node: node.name, architecture: node.architecture, images, architectures };
}

function logFields({ namespace, name, uid, owner }: PodFacts): Record<string, string | undefined> {
  return { namespace, pod: name, uid, owner: owner === undefined ? undefined : `${owner.kind}/${owner.name}` };
}
