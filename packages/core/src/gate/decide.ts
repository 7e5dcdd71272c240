import type { PlacementDecision } from '../placement/decision.ts';
import type { PlacementInput } from '../placement/input.ts';
import { decidePlacement } from '../placement/place-pod.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { parseDurationMs } from '../policy/index.ts';

/** The input of the decision about a gated pod. */
export interface GatedPodInput extends Omit<PlacementInput, 'operation' | 'canGate' | 'nowMs'> {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Milliseconds since the pod was gated. */
  readonly waitedMs: number;
}

export type GateDecision =
  | {
      readonly kind: 'wait';
      /** The images that it waits for. */
      readonly unresolved: readonly UnresolvedImage[];
      /** Milliseconds until the gate is lifted in any case; above 0. */
      readonly remainingMs: number;
    }
  | {
      readonly kind: 'lift';
      /** The placement to apply. A `deny` is too late, because the pod exists. */
      readonly decision: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /**
       * The placement for a cluster that rejects the tolerations (PL12): the images' requirements without a preference. The
       * preferred architecture may need a toleration, and without the annotation of the tolerations R9 cannot relax it.
       */
      readonly withoutTolerations: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /** The time-out passed before all images were known. */
      readonly timedOut: boolean;
      /** Milliseconds until the time-out; 0 or less after it. */
      readonly remainingMs: number;
    };

/**
 * PL9, PL12: decides about a gated pod with the same placement as for a new one. The pod waits only while an inspection may
 * succeed within the policy's `gateTimeout`. The gate is lifted at once if no policy matches, the pod is exempt, or all results
 * are final. After the time-out the pod gets the fallback architecture, or no constraint.
 */
export function decideGate({ nowMs, waitedMs, policy, ...rest }: GatedPodInput): GateDecision {
  // The schema ensures a valid duration; without a policy there is no wait.
  const timeoutMs = parseDurationMs(policy?.spec.gateTimeout ?? '') ?? 0;
  const remainingMs = timeoutMs - waitedMs;
  const overdue = remainingMs <= 0;
  const input: PlacementInput = {
    ...rest,
    operation: 'CREATE',
    policy: overdue && policy !== undefined ? withoutGate(policy) : policy,
    canGate: !overdue,
    // Placement compares an image's `retryAtMs` with the whole time-out, which started at the pod's creation.
    nowMs: nowMs - waitedMs,
  };
  const decision = decidePlacement(input);
  const { unresolved } = decision;
  if (decision.kind === 'gate') return { kind: 'wait', unresolved, remainingMs };
  const reduced = decidePlacement(withoutTolerations(input));
  return {
    kind: 'lift',
    decision,
    // With the same images and remaining time the result is not a gate, either.
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
