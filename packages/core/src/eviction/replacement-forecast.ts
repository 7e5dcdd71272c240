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
  /** On an existing node that can run the replacement. The pod's present node is excluded. */
  | 'right'
  /** On a node that can run the replacement, and that an autoscaler adds while the replacement is Pending. */
  | 'from-zero'
  /** On no node: no ready, schedulable node can run the replacement and satisfies its constraints. */
  | 'no-node'
  /** Possibly on the pod's present node again, or on another node of its architecture: no constraint excludes them. */
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
  /**
   * Whether to ignore the policy's preference even if the policy's status does not list the pod's owner as relaxed
   * (R9).
   */
  readonly preferenceRelaxed?: boolean;
}

/**
 * Returns the constraints of a replacement after the webhook has placed it with the current policy, nodes and images. Additions of
 * ArchPolicy to the present pod are removed first. A policy in Audit is treated as in Enforce.
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

/**
 * Returns the pod's operating system. The forecast needs it, because the scheduler compares only labels, but a kubelet
 * of another operating system rejects the pod.
 */
function resolveOs(...pod: Parameters<typeof podOs>): { readonly os?: string } {
  const os = podOs(...pod);
  return os.kind === 'open' ? {} : { os: os.name };
}

/**
 * R4: forecasts where the replacement would be placed. For an eviction, the replacement's constraints must exclude the pod's present
 * node. In addition, another node must be able to take and run the replacement, or an autoscaler must be able to add such a node
 * (`scaleFromZero`).
 *
 * @param node the node to which the pod is bound
 * @param architectures the architectures that all images of the pod support
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
