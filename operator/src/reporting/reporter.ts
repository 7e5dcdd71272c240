import { isUnschedulable } from '@archpolicy/core';
import type { EvictionDecision, Landing, PodFacts, ReportReason, WaitReason } from '@archpolicy/core';
import type { Clock, EventInput, EvictionAnswer } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { Judgement, Material } from '../remediation/evaluation/pod-evaluator.ts';
import {
  brokenImageNote,
  evictedNote,
  relaxedNote,
  replacementBrokenNote,
  stayingNote,
  stuckNote,
} from './messages.ts';
import type { Misplacement } from './messages.ts';
import type { FaultKind } from '../remediation/eviction/placement-violations.ts';

export interface ReporterOptions {
  readonly events: { record(event: EventInput): void };
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** The API server forgets events after an hour: what still holds is told again before. */
const TELL_AGAIN_MS = 50 * 60_000;

/** A wait that people should hear of: the others pass by themselves. */
const TOLD_WAITS: ReadonlySet<EvictionDecision['reason']> = new Set(['DisruptionBudget', 'Forbidden']);
/** Waits that say nothing new to the log either: every misplaced pod goes through them. */
const QUIET_WAITS: ReadonlySet<EvictionDecision['reason']> = new Set([
  'GracePeriod',
  'NodeNotReady',
  'ReadyTooShort',
  'UnschedulableTooShort',
  'Conflict',
]);

/** Tells people what was found and done: by events on the pod, and in the log. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** What was told last of each pod that stays although something is wrong. */
  readonly #told = new Map<string, { readonly uid: string; readonly reason: string; readonly at: number }>();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** What was decided about a pod; told when it is something else than before, or was told long ago. */
  decided({ key, pod, policy, node }: Material, { assessment, decision }: Judgement, detail?: string): void {
    if (decision.kind !== 'report' && decision.kind !== 'wait') {
      this.#told.delete(key);
      return;
    }
    const { reason } = decision;
    if (this.#wasTold(key, pod.uid, reason)) return;
    const fields = { ...namesOf(pod), policy: policy.name, node: node?.name, reason };
    if (decision.kind === 'report') this.#options.logger.info(fields, 'pod is not evicted');
    else if (!QUIET_WAITS.has(reason)) this.#options.logger.info(fields, 'eviction waits');
    if (decision.kind === 'wait' && !TOLD_WAITS.has(reason)) return;
    const note = noteOf({ pod, node }, assessment, reason, detail);
    if (note !== undefined) this.#event(pod, 'Warning', reason, note);
  }

  /** The pod does not exist any more, or is nobody's business. */
  forget(key: string): void {
    this.#told.delete(key);
  }

  evicted({ pod, policy, node }: Material, { assessment }: Judgement): void {
    this.#options.logger.info({ ...namesOf(pod), policy: policy.name, node: node?.name }, 'pod evicted');
    if (isUnschedulable(pod)) this.#event(pod, 'Normal', 'PreferenceRelaxed', relaxedNote(pod));
    if (node === undefined || assessment.kind !== 'misplaced') return;
    this.#event(pod, 'Normal', 'Misplaced', evictedNote(misplacementOf(pod, node, assessment)));
  }

  notAccepted({ pod, policy }: Material, answer: EvictionAnswer, delayMs: number): void {
    const fields = { ...namesOf(pod), policy: policy.name, answer: answer.kind, delayMs };
    const isOurs = answer.kind === 'forbidden' || answer.kind === 'invalid';
    if (isOurs) this.#options.logger.error({ ...fields, said: answer.message }, 'eviction was refused');
    else this.#options.logger.info(fields, 'eviction was not accepted');
  }

  landed({ pod, node }: Material, landing: Landing): void {
    const fields = { ...namesOf(pod), node: pod.nodeName };
    if (landing === 'right') this.#options.logger.info(fields, 'replacement landed right');
    else if (landing === 'wrong') this.#options.logger.warn(fields, 'replacement landed wrong');
    else this.#landedBroken(pod, node?.name ?? '', fields);
  }

  #landedBroken(pod: PodFacts, node: string, fields: Record<string, unknown>): void {
    this.#options.logger.warn(fields, 'replacement is a broken image, evictions of its owner are stopped');
    this.#event(pod, 'Warning', 'ReplacementBroken', replacementBrokenNote(pod, node));
  }

  /** R7: what the brake counts. */
  fault(pod: PodFacts, fault: FaultKind): void {
    this.#options.logger.warn({ ...namesOf(pod), node: pod.nodeName, fault }, 'pod stands where it must not');
  }

  #wasTold(key: string, uid: string, reason: string): boolean {
    const now = this.#options.clock.monotonic();
    const before = this.#told.get(key);
    if (before?.uid === uid && before.reason === reason && now - before.at < TELL_AGAIN_MS) return true;
    this.#told.set(key, { uid, reason, at: now });
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

/** What people read about a pod that stays. */
function noteOf(
  { pod, node }: Pick<Material, 'pod' | 'node'>,
  assessment: Judgement['assessment'],
  reason: ReportReason | WaitReason,
  detail: string | undefined,
): string | undefined {
  if (node === undefined) return isUnschedulable(pod) ? stuckNote(pod, reason) : undefined;
  if (assessment.kind === 'misplaced') return stayingNote(misplacementOf(pod, node, assessment), reason, detail);
  return assessment.kind === 'broken-image' ? brokenImageNote(pod, node.name, assessment.signal.container) : undefined;
}

function misplacementOf(
  pod: PodFacts,
  node: NonNullable<Material['node']>,
  { images, architectures }: Extract<Judgement['assessment'], { kind: 'misplaced' }>,
): Misplacement {
  return { pod, node: node.name, architecture: node.architecture, images, architectures };
}

function namesOf({ namespace, name, uid, owner }: PodFacts): Record<string, string | undefined> {
  return { namespace, pod: name, uid, owner: owner === undefined ? undefined : `${owner.kind}/${owner.name}` };
}
