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

/** Where a replacement would come to stand (R4). */
export type ReplacementForecast =
  /** On a node that is there and can run it, and not on this one again. */
  | 'right'
  /** On a node that can run it, which an autoscaler brings once it sees the replacement Pending. */
  | 'from-zero'
  /** No ready, schedulable node that can run it would take it. */
  | 'no-node'
  /** Nothing would keep it from this node, or one like it. */
  | 'same-node';

export interface ReplacementInput {
  readonly pod: PodFacts;
  readonly namespace: NamespaceFacts;
  readonly policy: ArchPolicy;
  /** What is known of the pod's images, by their strings. */
  readonly images: ReadonlyMap<string, Inspection>;
  readonly nodes: readonly NodeFacts[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Whatever the policy's status says: without our preference (R9). */
  readonly preferenceRelaxed?: boolean;
}

/**
 * What a replacement of this pod would ask of the scheduler once the webhook has decided about it: afresh, by today's
 * policy, nodes and images, without what we once added. A policy in Audit is taken as it would be in Enforce.
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

/** The scheduler knows no operating system but by labels; the kubelet of another one would not run the pod. */
function resolveOs(...pod: Parameters<typeof podOs>): { readonly os?: string } {
  const os = podOs(...pod);
  return os.kind === 'open' ? {} : { os: os.name };
}

/**
 * R4: the replacement must be kept from this node, and a node that can run it must be able to take it, or come: from an
 * autoscaler (`scaleFromZero`).
 *
 * @param node the one that the pod is bound to
 * @param architectures what all its images support
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
  const brought = allowedByOwner(demand, architectures).filter((architecture) => scaleFromZero.includes(architecture));
  return brought.some((architecture) => canBeBrought(demand, architecture, input.nodes)) ? 'from-zero' : 'no-node';
}
