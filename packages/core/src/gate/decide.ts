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
      /** The pod's time was up before all its images were known. */
      readonly timedOut: boolean;
      /** The pod's time was up, whatever is known. */
      readonly overdue: boolean;
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
  const decision = decidePlacement({
    ...rest,
    operation: 'CREATE',
    policy: overdue && policy !== undefined ? withoutGate(policy) : policy,
    canGate: !overdue,
    // Placement compares an image's `retryAtMs` with the whole time-out: it began when the pod did.
    nowMs: nowMs - waitedMs,
  });
  const { unresolved } = decision;
  if (decision.kind === 'gate') return { kind: 'wait', unresolved, remainingMs };
  return { kind: 'lift', decision, timedOut: overdue && unresolved.length > 0, overdue };
}

function withoutGate(policy: ArchPolicy): ArchPolicy {
  const { whenUnresolved, fallbackArchitecture } = policy.spec;
  if (whenUnresolved !== 'Gate') return policy;
  return {
    ...policy,
    spec: { ...policy.spec, whenUnresolved: fallbackArchitecture === undefined ? 'Admit' : 'Fallback' },
  };
}
