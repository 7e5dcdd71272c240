import type { Clock } from '@archpolicy/async';
import { isUnschedulable } from '@archpolicy/core';
import type {
  ArchPolicy,
  EvictionDecision,
  Landing,
  NodeFacts,
  PlacementAssessment,
  PodFacts,
  ReportReason,
  WaitReason,
} from '@archpolicy/core';
import type { EventInput, EvictionAnswer } from '@archpolicy/kube';
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

/** An evaluated pod, as far as reports name it. */
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
  readonly events: { record(event: EventInput): void };
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** The API server deletes events after an hour: an event that still applies is recorded again before. */
const REPEAT_MS = 50 * 60_000;

/** Waits that get an event: the others end without anything to do. */
const WAITS_WITH_EVENT: ReadonlySet<EvictionDecision['reason']> = new Set(['DisruptionBudget', 'Forbidden']);
/** Waits that are not logged either: every misplaced pod goes through them. */
const UNLOGGED_WAITS: ReadonlySet<EvictionDecision['reason']> = new Set([
  'GracePeriod',
  'NodeNotReady',
  'ReadyTooShort',
  'UnschedulableTooShort',
  'Conflict',
]);

/** Reports what was found and done: by events on the pod, and in the log. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** The last report on each pod that is not evicted although something is wrong with it. */
  readonly #reported = new Map<string, { readonly uid: string; readonly reason: string; readonly at: number }>();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Reports the decision on a pod that is not evicted, when it differs from the last report or that is long ago. */
  decided({ key, pod, policy, node }: ReportedPod, { assessment, decision }: Finding, detail?: string): void {
    if (decision.kind !== 'report' && decision.kind !== 'wait') {
      this.#reported.delete(key);
      return;
    }
    const { reason } = decision;
    if (this.#wasReported(key, pod.uid, reason)) return;
    const fields = { ...namesOf(pod), policy: policy.name, node: node?.name, reason };
    if (decision.kind === 'report') this.#options.logger.info(fields, 'pod is not evicted');
    else if (!UNLOGGED_WAITS.has(reason)) this.#options.logger.info(fields, 'eviction is delayed');
    if (decision.kind === 'wait' && !WAITS_WITH_EVENT.has(reason)) return;
    const note = noteOf({ pod, node }, assessment, reason, detail);
    if (note !== undefined) this.#event(pod, 'Warning', reason, note);
  }

  /** For a pod that was deleted, or that no policy governs. */
  forget(key: string): void {
    this.#reported.delete(key);
  }

  evicted({ pod, policy, node }: ReportedPod, { assessment }: Finding): void {
    this.#options.logger.info({ ...namesOf(pod), policy: policy.name, node: node?.name }, 'pod evicted');
    if (isUnschedulable(pod)) this.#event(pod, 'Normal', 'PreferenceRelaxed', relaxedNote(pod));
    if (node === undefined || assessment.kind !== 'misplaced') return;
    this.#event(pod, 'Normal', 'Misplaced', evictedNote(misplacementOf(pod, node, assessment)));
  }

  notAccepted({ pod, policy }: ReportedPod, answer: EvictionAnswer, delayMs: number): void {
    const fields = { ...namesOf(pod), policy: policy.name, answer: answer.kind, delayMs };
    const isOurs = answer.kind === 'forbidden' || answer.kind === 'invalid';
    if (isOurs) this.#options.logger.error({ ...fields, said: answer.message }, 'eviction rejected');
    else this.#options.logger.info(fields, 'eviction not accepted');
  }

  landed({ pod, node }: ReportedPod, landing: Landing): void {
    const fields = { ...namesOf(pod), node: pod.nodeName };
    if (landing === 'right') this.#options.logger.info(fields, 'replacement landed right');
    else if (landing === 'wrong') this.#options.logger.warn(fields, 'replacement landed wrong');
    else this.#landedBroken(pod, node?.name ?? '', fields);
  }

  #landedBroken(pod: PodFacts, node: string, fields: Record<string, unknown>): void {
    this.#options.logger.warn(fields, 'replacement is a broken image, evictions of its owner are stopped');
    this.#event(pod, 'Warning', 'ReplacementBroken', replacementBrokenNote(pod, node));
  }

  /** R7: a violation that the brake counts. */
  violation(pod: PodFacts, fault: ViolationKind): void {
    this.#options.logger.warn({ ...namesOf(pod), node: pod.nodeName, fault }, 'pod is placed where it must not be');
  }

  #wasReported(key: string, uid: string, reason: string): boolean {
    const now = this.#options.clock.monotonic();
    const before = this.#reported.get(key);
    if (before?.uid === uid && before.reason === reason && now - before.at < REPEAT_MS) return true;
    this.#reported.set(key, { uid, reason, at: now });
    return false;
  }

  #event(pod: PodFacts, type: EventInput['type'], reason: string, note: string): void {
    const { namespace, name, uid } = pod;
    this.#options.events.record({
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type,
      reason,
      action: 'Evict',
      note,
    });
  }
}

/** The event's note on a pod that is not evicted. */
function noteOf(
  { pod, node }: Pick<ReportedPod, 'pod' | 'node'>,
  assessment: PlacementAssessment,
  reason: ReportReason | WaitReason,
  detail: string | undefined,
): string | undefined {
  if (node === undefined) return isUnschedulable(pod) ? stuckNote(pod, reason) : undefined;
  if (assessment.kind === 'misplaced') return stayingNote(misplacementOf(pod, node, assessment), reason, detail);
  return assessment.kind === 'broken-image' ? brokenImageNote(pod, node.name, assessment.signal.container) : undefined;
}

function misplacementOf(
  pod: PodFacts,
  node: NodeFacts,
  { images, architectures }: Extract<PlacementAssessment, { kind: 'misplaced' }>,
): Misplacement {
  return { pod, node: node.name, architecture: node.architecture, images, architectures };
}

function namesOf({ namespace, name, uid, owner }: PodFacts): Record<string, string | undefined> {
  return { namespace, pod: name, uid, owner: owner === undefined ? undefined : `${owner.kind}/${owner.name}` };
}
