import type { Inspection } from '../inspection/inspection.ts';
import type { NamespaceFacts, NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isJsonObject } from '../json/json.ts';
import { readPodSpec } from '../kubernetes/pod-spec.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { allowedByOwner } from '../placement/node-constraints.ts';
import { placePod } from '../placement/place-pod.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import type { SchedulingDemand } from '../pod/feasible-nodes.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import { podOs } from '../pod/operating-system.ts';
import { canBeBrought } from '../pod/scale-from-zero.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { violatesArchitectureTerms } from './architecture-violation.ts';
import { replacementPod } from './replacement-pod.ts';

/** Where a replacement would be placed (R4). */
export type ReplacementForecast =
  /** On an existing node that can run it, and not on the pod's node again. */
  | 'right'
  /** On a node that can run it, which an autoscaler adds for the Pending replacement. */
  | 'from-zero'
  /** No ready, schedulable node can run it and satisfies its constraints. */
  | 'no-node'
  /** Nothing would exclude the pod's node, or one of its architecture. */
  | 'same-node';

export interface ReplacementInput {
  readonly pod: PodFacts;
  readonly namespace: NamespaceFacts;
  readonly policy: ArchPolicy;
  /** The inspections of the pod's images, by their references in the spec. */
  readonly images: ReadonlyMap<string, Inspection>;
  readonly nodes: readonly NodeFacts[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Ignores the policy's preference, independent of the policy's status (R9). */
  readonly preferenceRelaxed?: boolean;
}

/**
 * Returns the constraints that the webhook would give a replacement of this pod: by the current policy, nodes and images, without the
 * additions that ArchPolicy made to this pod. A policy in Audit is treated as in Enforce.
 */
export function replacementDemand({ pod, namespace, policy, ...rest }: ReplacementInput): SchedulingDemand {
  const raw = replacementPod(pod);
  const { patch } = placePod({
    ...rest,
    pod: raw,
    namespace: namespace.name,
    namespaceFacts: namespace,
    policy: { ...policy, spec: { ...policy.spec, mode: 'Enforce' } },
    operation: 'CREATE',
    canGate: true,
  });
  const patched = applyPatch(raw, patch);
  const spec = readPodSpec(patched.kind === 'applied' && isJsonObject(patched.value) ? patched.value : raw);
  return { ...spec, ...resolveOs(pod, imageKnowledge(pod, rest.images, policy.spec), rest.nodes) };
}

/** The scheduler compares operating systems by labels only, but the kubelet of another one would not run the pod. */
function resolveOs(...pod: Parameters<typeof podOs>): { readonly os?: string } {
  const os = podOs(...pod);
  return os.kind === 'open' ? {} : { os: os.name };
}

/**
 * R4: the replacement's constraints must exclude this node, and a node that can run it must be able to take it, or an autoscaler must
 * add one (`scaleFromZero`).
 *
 * @param node to which the pod is bound
 * @param architectures that all its images support
 */
export function forecastReplacement(
  input: ReplacementInput,
  node: NodeFacts,
  architectures: readonly NodeArchitecture[],
): ReplacementForecast {
  const demand = replacementDemand(input);
  if (!violatesArchitectureTerms(demand, node)) return 'same-node';
  if (hasFeasibleNode(demand, input.nodes, architectures)) return 'right';
  const { scaleFromZero } = input.policy.spec;
  const addable = allowedByOwner(demand, architectures).filter((architecture) => scaleFromZero.includes(architecture));
  return addable.some((architecture) => canBeBrought(demand, architecture, input.nodes)) ? 'from-zero' : 'no-node';
}
