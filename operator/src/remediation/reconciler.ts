import { RELAXED_FOR_MS, workloadKey } from '@archpolicy/core';
import type { EvictionDecision, Landing, PodFacts, WaitReason } from '@archpolicy/core';
import type { Clock, ReconcileResult } from '@archpolicy/kube';
import type { Evictor } from './eviction/evictor.ts';
import type { Faults } from './eviction/placement-violations.ts';
import { accountOf } from './evaluation/pod-evaluator.ts';
import type { Judge, Judgement, Material } from './evaluation/pod-evaluator.ts';
import { ClusterArchitectures, recordOf } from '../statistics/pod-record.ts';
import type { Nodes } from './ports.ts';
import type { Replacements, ReplacementState } from './eviction/replacements.ts';
import type { Reporter } from '../reporting/reporter.ts';
import type { Tally } from '../statistics/policy-pod-stats.ts';
import type { Tries } from './eviction/eviction-attempts.ts';
import type { Shared, Turns } from './queue/fair-queue.ts';

export interface ReconcilerOptions {
  readonly judge: Judge;
  readonly evictor: Evictor;
  readonly replacements: Replacements;
  readonly faults: Faults;
  readonly reporter: Reporter;
  readonly tally: Tally;
  readonly tries: Tries;
  readonly turns: Turns;
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly onEvicted: (policy: string) => void;
  /** R9: the preference is to be skipped for this workload, for an hour. */
  readonly onRelax: (policy: string, workload: string, untilMs: number) => void;
  readonly onLanding: (landing: Landing) => void;
  /** The pod is to be evicted: {@link Reconciler.evict} is to be called for it. */
  readonly onDue: (key: string) => void;
}

/** What was gathered about a pod, and what follows from it. */
interface Looked {
  readonly material: Material;
  readonly judgement: Judgement;
  /** Epoch milliseconds at which the pod, a replacement, is to be evaluated again. */
  readonly comesUpMs?: number;
}

const WAITS_ITS_TURN: EvictionDecision = { kind: 'wait', reason: 'PolicyLimit' };

/** An image that may be answered for soon is asked about again after this long, doubled each time. */
const FIRST_IMAGE_DELAY_MS = 2_000;
const MAX_IMAGE_DELAY_MS = 5 * 60_000;
/** A time that was told may have passed already. */
const MIN_DELAY_MS = 50;
/** What would wait longer is found again by the recheck. */
const MAX_DELAY_MS = 60 * 60_000;

/**
 * One pod at a time: gather, decide, act. Evictions wait for the API server, so they are a step of their own: what is
 * misplaced is found without waiting for what is being put right.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** Looks at images that brought no answer, in a row, by the pod's UID. */
  readonly #unanswered = new Map<string, number>();
  readonly #architectures = new ClusterArchitectures();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Looks at the pod: it is counted and told about; whether it is to be evicted is told by `onDue`. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const looked = await this.#look(key, signal);
    if (looked === undefined) return {};
    const { material } = looked;
    const judgement = this.#inTurn(material, looked.judgement);
    if (judgement.decision.kind !== 'evict') return sooner(this.#settle(material, judgement), this.#comesUp(looked));
    this.#count(material, judgement);
    this.#options.onDue(key);
    return {};
  }

  #comesUp({ comesUpMs }: Looked): ReconcileResult {
    return comesUpMs === undefined
      ? {}
      : { requeueAfterMs: Math.max(comesUpMs - this.#options.clock.now(), MIN_DELAY_MS) };
  }

  /** Looks at the pod again, and evicts it where that still holds. */
  async evict(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const looked = await this.#look(key, signal);
    if (looked === undefined) return {};
    const { material } = looked;
    // Judged anew: nothing may be waited for between this and the eviction's first step, which takes the place that is
    // found free here. Others would find the same one.
    const judgement = this.#inTurn(material, this.#options.judge.judge(material));
    return judgement.decision.kind === 'evict'
      ? this.#evict(material, judgement, signal)
      : this.#settle(material, judgement);
  }

  /** Gathers and decides; undefined for a pod that is none of our business. */
  async #look(key: string, signal: AbortSignal): Promise<Looked | undefined> {
    const { judge } = this.#options;
    const gathered = await judge.gather(key, signal);
    if (gathered.kind !== 'governed') {
      this.#forget(key);
      return undefined;
    }
    const { material } = gathered;
    this.#notice(material);
    const judgement = judge.judge(material);
    const replacement = this.#options.replacements.see(material.pod, judgement.assessment);
    const following = this.#follow(material, judgement, replacement, signal);
    const comesUpMs = replacement?.kind === 'coming-up' ? replacement.untilMs : undefined;
    const looked = { material, judgement, ...(comesUpMs !== undefined && { comesUpMs }) };
    if (following === undefined) return looked;
    await following;
    // The limits were others then.
    return { ...looked, judgement: judge.judge(material) };
  }

  /** Who comes late does not overtake those that wait. */
  #inTurn(material: Material, judgement: Judgement): Judgement {
    if (judgement.decision.kind !== 'evict') return judgement;
    const isOvertaking = this.#options.turns.isOvertaking({ key: material.key, account: accountOf(material) });
    return isOvertaking ? { ...judgement, decision: WAITS_ITS_TURN } : judgement;
  }

  async #evict(material: Material, judgement: Judgement, signal: AbortSignal): Promise<ReconcileResult> {
    const { evictor, replacements, reporter, turns, tally, onEvicted } = this.#options;
    const { key, pod, policy } = material;
    replacements.expect(pod);
    const evicting = evictor.evict(material, signal);
    // Its place is taken: the next one need not wait for the answer.
    turns.leave(key);
    const outcome = await evicting;
    replacements.settle(pod);
    turns.mayHaveRoom(accountOf(material));
    switch (outcome.kind) {
      case 'accepted':
        tally.delete(key);
        reporter.evicted(material, judgement);
        onEvicted(policy.name);
        return {};
      case 'gone':
        tally.delete(key);
        return {};
      case 'not-leading':
        return {};
      case 'governed-anew':
        return { requeueAfterMs: MIN_DELAY_MS };
      case 'judged-again':
        return this.#settle(material, outcome.judgement);
      case 'not-accepted': {
        reporter.notAccepted(material, outcome.answer, outcome.delayMs);
        const detail = outcome.answer.kind === 'budget' ? outcome.answer.message : undefined;
        return this.#settle(material, this.#options.judge.judge(material), detail);
      }
    }
  }

  /** The pod stays for now: it is counted, told about, and looked at again when that pays. */
  #settle(material: Material, judgement: Judgement, detail?: string): ReconcileResult {
    const { reporter, turns, clock } = this.#options;
    const { key, pod } = material;
    const { decision } = judgement;
    this.#count(material, judgement);
    reporter.decided(material, judgement, detail);
    if (decision.reason !== 'ImagesUnknown') this.#unanswered.delete(pod.uid);
    if (decision.kind === 'wait' && isShared(decision.reason)) {
      turns.wait({ key, uid: pod.uid, account: accountOf(material) }, decision.reason);
      return {};
    }
    turns.leave(key);
    if (decision.reason === 'Relaxing') {
      this.#options.onRelax(material.policy.name, workloadKey(pod), clock.now() + RELAXED_FOR_MS);
    }
    // A change of its node has its pods evaluated again.
    if (decision.kind !== 'wait' || decision.reason === 'NodeNotReady') return {};
    return { requeueAfterMs: this.#delay(pod, decision, clock.now()) };
  }

  #count(material: Material, judgement: Judgement): void {
    const { tally, nodes } = this.#options;
    const record = recordOf(material, judgement, this.#architectures.of(nodes.list()));
    if (record === undefined) tally.delete(material.key);
    else tally.set(material.key, record);
  }

  #delay(pod: PodFacts, decision: Extract<EvictionDecision, { kind: 'wait' }>, nowMs: number): number {
    if (decision.untilMs !== undefined) {
      return Math.min(Math.max(decision.untilMs - nowMs, MIN_DELAY_MS), MAX_DELAY_MS);
    }
    const failures = this.#unanswered.get(pod.uid) ?? 0;
    this.#unanswered.set(pod.uid, failures + 1);
    return Math.min(FIRST_IMAGE_DELAY_MS * 2 ** failures, MAX_IMAGE_DELAY_MS);
  }

  /** R6, R7: what this pod's place says about an eviction before it. */
  #follow(
    material: Material,
    judgement: Judgement,
    replacement: ReplacementState | undefined,
    signal: AbortSignal,
  ): Promise<void> | undefined {
    const { faults, reporter, turns, onLanding } = this.#options;
    const following = faults.look(material, judgement, replacement, signal);
    if (replacement?.kind === 'landed') {
      onLanding(replacement.landing);
      reporter.landed(material, replacement.landing);
      turns.mayHaveRoom(accountOf(material));
    }
    return following;
  }

  /** What the pod's being as it is says about a pod of its name before it, or about a try that nobody answered. */
  #notice({ key, pod, policy }: Material): void {
    const { tally, tries, onEvicted } = this.#options;
    const before = tally.get(key);
    if (before !== undefined && before.uid !== pod.uid) this.#forget(key);
    if (!pod.deleting || !tries.isUnanswered(key, pod.uid)) return;
    tries.accepted(key, pod.uid);
    onEvicted(policy.name);
  }

  #forget(key: string): void {
    const { tally, tries, turns, faults, reporter, onEvicted } = this.#options;
    reporter.forget(key);
    faults.forget(key);
    const before = tally.delete(key);
    const wasEvicted = tries.forget(key);
    if (before !== undefined) {
      this.#unanswered.delete(before.uid);
      if (wasEvicted) onEvicted(before.policy);
    }
    turns.leave(key);
  }
}

const SHARED: ReadonlySet<WaitReason> = new Set<Shared>([
  'OwnerLimit',
  'PolicyLimit',
  'OwnerStopped',
  'EvictionsStopped',
  'WebhookUnreachable',
]);

function sooner(one: ReconcileResult, other: ReconcileResult): ReconcileResult {
  const delays = [one.requeueAfterMs, other.requeueAfterMs].filter((delay) => delay !== undefined);
  return delays.length === 0 ? {} : { requeueAfterMs: Math.min(...delays) };
}

function isShared(reason: WaitReason): reason is Shared {
  return SHARED.has(reason);
}
