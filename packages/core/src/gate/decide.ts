import type { PlacementDecision } from '../placement/decision.ts';
import type { PlacementInput } from '../placement/input.ts';
import { decidePlacement } from '../placement/place-pod.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { parseDurationMs } from '../policy/index.ts';

/** The input of a decision about a gated pod. */
export interface GatedPodInput extends Omit<PlacementInput, 'operation' | 'canGate' | 'nowMs'> {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Time behind the gate so far, milliseconds. */
  readonly waitedMs: number;
}

export type GateDecision =
  | {
      readonly kind: 'wait';
      /** The images that the pod waits for. */
      readonly unresolved: readonly UnresolvedImage[];
      /** Milliseconds until the gate is lifted in any case; above 0. */
      readonly remainingMs: number;
    }
  | {
      readonly kind: 'lift';
      /** The decision that the patch applies. A `deny` cannot be enforced, because the pod already exists. */
      readonly decision: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /**
       * The decision for a cluster that refuses the tolerations (PL12). It contains what the images require, and no
       * preference, for two reasons. Nodes of the preferred architecture may need a toleration. And R9 can relax a
       * preference only if the pod has the decision annotation, which is in the same patch as the tolerations.
       */
      readonly withoutTolerations: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /** Whether the pod's timeout ended before all its images were resolved. */
      readonly timedOut: boolean;
      /** Milliseconds until the pod's timeout; 0 or less after it. */
      readonly remainingMs: number;
    };

/**
 * PL9, PL12: decides about a gated pod like about a new pod. The pod waits only while a result can still arrive within
 * the policy's `gateTimeout`. The gate is lifted at once if the pod no longer has a policy, if it is exempt now, or if
 * all results are final. After the timeout the pod gets the fallback architecture, or no constraint.
 */
export function decideGate({ nowMs, waitedMs, policy, ...rest }: GatedPodInput): GateDecision {
  // The schema validates the duration. A pod without a policy does not wait.
  const timeoutMs = parseDurationMs(policy?.spec.gateTimeout ?? '') ?? 0;
  const remainingMs = timeoutMs - waitedMs;
  const overdue = remainingMs <= 0;
  const input: PlacementInput = {
    ...rest,
    operation: 'CREATE',
    policy: overdue && policy !== undefined ? withoutGate(policy) : policy,
    canGate: !overdue,
    // The time at which the pod was created: placement adds the whole timeout to it and compares the sum with
    // `retryAtMs`.
    nowMs: nowMs - waitedMs,
  };
  const decision = decidePlacement(input);
  const { unresolved } = decision;
  if (decision.kind === 'gate') return { kind: 'wait', unresolved, remainingMs };
  const reduced = decidePlacement(withoutTolerations(input));
  return {
    kind: 'lift',
    decision,
    // This is never a gate, because the images and the remaining time are the same as for `decision`.
    withoutTolerations: reduced.kind === 'gate' ? decision : reduced,
    timedOut: overdue && unresolved.length > 0,
    remainingMs,
  };
}

function withoutTolerations({ policy, ...rest }: PlacementInput): PlacementInput {
  const spec = policy && { ...policy.spec, tolerateArchitectureTaints: false };
  return { ...rest, policy: policy && spec && { ...policy, spec }, preferenceRelaxed: true };
}

function withoutGate(policy: ArchPolicy): ArchPolicy {
  const { whenUnresolved, fallbackArchitecture } = policy.spec;
  if (whenUnresolved !== 'Gate') return policy;
  return {
    ...policy,
    spec: { ...policy.spec, whenUnresolved: fallbackArchitecture === undefined ? 'Admit' : 'Fallback' },
  };
}
