import type { PlacementDecision } from '../placement/decision.ts';
import type { PlacementInput } from '../placement/input.ts';
import { decidePlacement } from '../placement/place-pod.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { parseDurationMs } from '../policy/index.ts';

/** Everything that decides what becomes of a gated pod. */
export interface GatedPodInput extends Omit<PlacementInput, 'operation' | 'canGate' | 'nowMs'> {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** For how long the pod has been waiting behind the gate, milliseconds. */
  readonly waitedMs: number;
}

export type GateDecision =
  | {
      readonly kind: 'wait';
      /** What it waits for. */
      readonly unresolved: readonly UnresolvedImage[];
      /** Milliseconds until it is freed in any case; above 0. */
      readonly remainingMs: number;
    }
  | {
      readonly kind: 'lift';
      /** What the pod is lifted with. A `deny` comes too late: the pod is there. */
      readonly decision: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /**
       * Decided again for a cluster that refuses the tolerations (PL12): what the images require, and no preference. A
       * preferred architecture may be one whose nodes the pod needed a toleration for, and without the annotation that
       * goes with the tolerations R9 cannot relax it.
       */
      readonly withoutTolerations: Exclude<PlacementDecision, { readonly kind: 'gate' }>;
      /** The pod's time was up before all its images were known. */
      readonly timedOut: boolean;
      /** Milliseconds until the pod's time is up, whatever is known; 0 or less when it is. */
      readonly remainingMs: number;
    };

/**
 * PL9, PL12: decides about a gated pod as about a new one, by the same placement. It waits only while waiting can bring
 * an answer within its policy's `gateTimeout`; a pod that no policy matches any more, that is to be left alone now, or
 * whose answers are final is freed at once. After the time-out it gets the fallback architecture, or nothing.
 */
export function decideGate({ nowMs, waitedMs, policy, ...rest }: GatedPodInput): GateDecision {
  // The schema makes sure that it is a duration; without one nobody waits.
  const timeoutMs = parseDurationMs(policy?.spec.gateTimeout ?? '') ?? 0;
  const remainingMs = timeoutMs - waitedMs;
  const overdue = remainingMs <= 0;
  const input: PlacementInput = {
    ...rest,
    operation: 'CREATE',
    policy: overdue && policy !== undefined ? withoutGate(policy) : policy,
    canGate: !overdue,
    // Placement compares an image's `retryAtMs` with the whole time-out: it began when the pod did.
    nowMs: nowMs - waitedMs,
  };
  const decision = decidePlacement(input);
  const { unresolved } = decision;
  if (decision.kind === 'gate') return { kind: 'wait', unresolved, remainingMs };
  const reduced = decidePlacement(withoutTolerations(input));
  return {
    kind: 'lift',
    decision,
    // With the same images and the same time left it is no gate either.
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
