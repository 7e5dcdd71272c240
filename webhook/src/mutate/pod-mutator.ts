import type { Clock } from '@archpolicy/async';
import { readOwner } from '@archpolicy/core';
import type { Inspection, PlacementInput } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { AuditedReview, AuditQueue } from './audit-queue.ts';
import { withDryRunWarning } from './dry-run.ts';
import type { InputGatherer, PodContext } from './input-gatherer.ts';
import type { JobReader, PlacedPod, Placement } from './ports.ts';
import { answerProbe, isProbe } from './probe.ts';

/** A decision about a pod. */
export interface DecidedPod {
  readonly request: Pick<AdmissionRequest, 'uid' | 'namespace' | 'object'>;
  readonly placed: PlacedPod;
  readonly policy: PodContext['policy'];
  /** The inspections on which the decision depends. */
  readonly images: ReadonlyMap<string, Inspection>;
}

/** Called with each decision, for metrics and logs. */
export type OnDecision = (decided: DecidedPod) => void;

const NO_IMAGES: ReadonlyMap<string, Inspection> = new Map();

export interface PodMutatorOptions {
  readonly gatherer: InputGatherer;
  readonly placement: Placement;
  readonly jobs: JobReader;
  readonly audits: AuditQueue;
  readonly clock: Clock;
  /** How long a review may wait for inspection, milliseconds. */
  readonly inspectionBudgetMs: number;
  readonly onDecision: OnDecision;
}

/** How long an inspection for an audit may take. It can be long, because no response waits for it. */
const AUDIT_BUDGET_MS = 15_000;

/** How long the GET of a Job may take. By default, 1.1 s of a review are left after inspection. */
const JOB_BUDGET_MS = 500;
/** Time that is reserved for the decision after the GET of the Job, milliseconds. */
const AFTER_JOB_MS = 50;

/** Computes the placement of a pod at its creation: gathers the input, decides, and reports the decision. */
export class PodMutator {
  readonly #options: PodMutatorOptions;

  constructor(options: PodMutatorOptions) {
    this.#options = options;
  }

  /** Returns the placement of the pod in the request. `deadline` is in monotonic milliseconds. */
  async place(request: AdmissionRequest, deadline: number): Promise<PlacedPod> {
    if (isProbe(request)) return answerProbe(request.object);
    const { gatherer, placement, onDecision } = this.#options;
    const context =
      gatherer.cachedContext(request) ?? (await gatherer.fetchContext(request, this.#remaining(deadline)));
    if (context.policy?.spec.mode === 'Audit') return this.#audit(context, request);
    const names = placement.imagesToInspect(context);
    const images = await gatherer.inspectImages(context, names, this.#remaining(deadline));
    const input = { ...context, images };
    const placed = placement.place(input);
    const final = placed.decision.kind === 'gate' ? await this.reconsiderForJob(placed, input, deadline) : placed;
    onDecision({ request, placed: final, policy: context.policy, images });
    return context.isDryRun ? withDryRunWarning(final, images) : final;
  }

  /**
   * PL9: does not gate a pod whose Job has a short deadline. The deadline is a field of the Job, so the Job is read,
   * but only for a pod that would be gated. If the Job cannot be read, the pod is not gated.
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

  /**
   * PL10: in mode Audit, returns at once a placement that does not change the pod. The placement that mode Enforce
   * would cause is computed after the response, for metrics and logs.
   */
  #audit(context: PodContext, review: AdmissionRequest & AuditedReview): PlacedPod {
    const { gatherer, placement, audits, onDecision } = this.#options;
    const { policy } = context;
    const placed = placement.place({ ...context, images: NO_IMAGES });
    if (placed.decision.reason !== 'Audit') onDecision({ request: review, placed, policy, images: NO_IMAGES });
    else {
      audits.offer(async (signal) => {
        const enforced = withEnforceMode(context);
        const images = await gatherer.inspectImages(
          enforced,
          placement.imagesToInspect(enforced),
          AUDIT_BUDGET_MS,
          signal,
        );
        onDecision({ request: review, placed: placement.place({ ...enforced, images }), policy, images });
      }, review);
    }
    return placed;
  }

  #remaining(deadline: number): number {
    const { clock, inspectionBudgetMs } = this.#options;
    return Math.max(0, Math.min(inspectionBudgetMs, deadline - clock.monotonic()));
  }
}

/**
 * Returns the context with the policy in mode Enforce, but without gates: an audit waits for the inspection instead.
 */
function withEnforceMode(context: PodContext): PodContext {
  const { policy } = context;
  if (policy === undefined) return context;
  return { ...context, policy: { ...policy, spec: { ...policy.spec, mode: 'Enforce' } }, canGate: false };
}
