import type { Clock } from '@archpolicy/async';
import { readOwner } from '@archpolicy/core';
import type { PlacementInput } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { AuditQueue } from './audit-queue.ts';
import type { InputGatherer, PodContext } from './input-gatherer.ts';
import type { JobReader, PlacedPod, Placement } from './ports.ts';
import { answerProbe, isProbe } from './probe.ts';

/** What is told of each decision, for metrics and logs. */
export type OnDecision = (placed: PlacedPod, context: PodContext) => void;

export interface PodMutatorOptions {
  readonly gatherer: InputGatherer;
  readonly placement: Placement;
  readonly jobs: JobReader;
  readonly audits: AuditQueue;
  readonly clock: Clock;
  /** What inspection gets of a review's time, milliseconds. */
  readonly inspectionBudgetMs: number;
  readonly onDecision: OnDecision;
}

/** How long an inspection for an audit may take: nobody waits for it. */
const AUDIT_BUDGET_MS = 15_000;

/** A Job is one small GET; what inspection left of the review's time is 1.1 s by default. */
const JOB_BUDGET_MS = 500;
/** Kept for the decision that follows. */
const AFTER_JOB_MS = 50;

/** What a pod gets at its creation: gather, decide, act. */
export class PodMutator {
  readonly #options: PodMutatorOptions;

  constructor(options: PodMutatorOptions) {
    this.#options = options;
  }

  /** The placement of a pod that is being created; the answer must be out at `deadline` (monotonic milliseconds). */
  async place(request: AdmissionRequest, deadline: number): Promise<PlacedPod> {
    if (isProbe(request)) return answerProbe(request.object);
    const { gatherer, placement, onDecision } = this.#options;
    const context =
      gatherer.cachedContext(request) ?? (await gatherer.fetchContext(request, this.#remaining(deadline)));
    if (context.policy?.spec.mode === 'Audit') return this.#audit(context, request.bytes);
    const names = placement.imagesToInspect(context);
    const images = await gatherer.inspectImages(context, names, this.#remaining(deadline));
    const input = { ...context, images };
    const placed = placement.place(input);
    const final = placed.decision.kind === 'gate' ? await this.reconsiderForJob(placed, input, deadline) : placed;
    onDecision(final, context);
    return final;
  }

  /**
   * PL9: no gate for a pod whose Job has little time. A pod does not say how much: its Job is read, but only where the
   * answer matters. One that cannot be read may have little.
   */
  async reconsiderForJob(gated: PlacedPod, input: PlacementInput, deadline: number): Promise<PlacedPod> {
    const owner = readOwner(input.pod);
    if (owner?.kind !== 'Job' || !owner.apiVersion.startsWith('batch/')) return gated;
    const { jobs, clock, placement } = this.#options;
    const budgetMs = Math.min(JOB_BUDGET_MS, deadline - clock.monotonic() - AFTER_JOB_MS);
    const limit = await jobs.readDeadline(input.namespace, owner, budgetMs);
    if (limit.kind === 'unknown') return placement.place({ ...input, canGate: false });
    return limit.seconds === undefined ? gated : placement.place({ ...input, jobDeadlineSeconds: limit.seconds });
  }

  /** PL10: the answer does not wait for what it would have been. */
  #audit(context: PodContext, bytes: number): PlacedPod {
    const { gatherer, placement, audits, onDecision } = this.#options;
    const placed = placement.place({ ...context, images: new Map() });
    if (placed.decision.reason !== 'Audit') onDecision(placed, context);
    else {
      audits.offer(async (signal) => {
        const enforced = withEnforceMode(context);
        const images = await gatherer.inspectImages(
          enforced,
          placement.imagesToInspect(enforced),
          AUDIT_BUDGET_MS,
          signal,
        );
        onDecision(placement.place({ ...enforced, images }), context);
      }, bytes);
    }
    return placed;
  }

  #remaining(deadline: number): number {
    const { clock, inspectionBudgetMs } = this.#options;
    return Math.max(0, Math.min(inspectionBudgetMs, deadline - clock.monotonic()));
  }
}

/** The same pod, if its policy were enforced. A gate would only say that waiting was too short: an audit waits. */
function withEnforceMode(context: PodContext): PodContext {
  const { policy } = context;
  if (policy === undefined) return context;
  return { ...context, policy: { ...policy, spec: { ...policy.spec, mode: 'Enforce' } }, canGate: false };
}
