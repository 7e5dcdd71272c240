import type { NodeFacts } from '../kubernetes/facts.ts';
import { LABEL_OS, LABEL_OS_BETA } from '../kubernetes/node-labels.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { allowedBySelector, allowedByTerm, isEmptyTerm, matchesNode } from '../requirement/evaluate.ts';
import type { ValueSet } from '../requirement/value-set.ts';
import { ANY_VALUE, has, intersection } from '../requirement/value-set.ts';
import type { ImageKnowledge } from './image-knowledge.ts';
import { isSearchable } from './limits.ts';

/** The operating system that a pod is for (PL4). */
export type PodOs =
  /** Its `spec.os.name`, or all that its node selector and required terms leave. */
  | { readonly kind: 'declared'; readonly name: string }
  /** Concluded from the nodes that it could be bound to: no reason to refuse the pod. */
  | { readonly kind: 'assumed'; readonly name: string }
  /** It could be bound to nodes of several systems, none of them Linux. */
  | { readonly kind: 'open' };

/** The parts of a pod that determine its operating system. */
export type OsConstraints = Pick<PodSpecFacts, 'os' | 'nodeSelector' | 'requiredAffinity' | 'tolerations'>;

export const LINUX = 'linux';
/** The values of `spec.os.name`: https://kubernetes.io/docs/concepts/workloads/pods/#pod-os */
const SYSTEMS = [LINUX, 'windows'] as const;

/**
 * PL4: the pod's operating system. Where the pod itself leaves it open, it is Linux if a Linux node matches the pod's node
 * selector and required terms, or if no node does; else the one system of the nodes that match. Nodes are searched only
 * for images that offer a system beside Linux: for all others the answer changes nothing.
 */
export function podOs(pod: OsConstraints, knowledge: readonly ImageKnowledge[], nodes: readonly NodeFacts[]): PodOs {
  const declared = declaredOs(pod);
  if (declared !== undefined) return { kind: 'declared', name: declared };
  const isOnlyForLinux = offeredSystems(knowledge).every((system) => system === LINUX);
  if (isOnlyForLinux || !isSearchable(pod, nodes.length)) return { kind: 'assumed', name: LINUX };
  const found = new Set<string>();
  for (const node of nodes) {
    if (node.os === '' || !matchesNode(pod, node)) continue;
    if (node.os === LINUX) return { kind: 'assumed', name: LINUX };
    found.add(node.os);
  }
  const [name = LINUX, ...others] = found;
  return others.length > 0 ? { kind: 'open' } : { kind: 'assumed', name };
}

/** `spec.os.name`, else the one system that node selector and required terms leave; undefined when they leave several. */
export function declaredOs(pod: Pick<OsConstraints, 'os' | 'nodeSelector' | 'requiredAffinity'>): string | undefined {
  if (pod.os !== undefined) return pod.os;
  const alternatives = allowedSystems(pod);
  if (alternatives.length === 0 || alternatives.includes(ANY_VALUE)) return undefined;
  const named = alternatives.flatMap(({ complement, values }) => (complement ? [] : [...values]));
  const candidates = [...new Set([...SYSTEMS, ...named])];
  const left = candidates.filter((system) => alternatives.some((allowed) => has(allowed, system)));
  return left.length === 1 ? left[0] : undefined;
}

/** For each required term that can match: the operating systems that it and the node selector allow. */
function allowedSystems({
  nodeSelector,
  requiredAffinity,
}: Pick<OsConstraints, 'nodeSelector' | 'requiredAffinity'>): readonly ValueSet[] {
  const selected = intersection(
    allowedBySelector(nodeSelector, LABEL_OS),
    allowedBySelector(nodeSelector, LABEL_OS_BETA),
  );
  if (requiredAffinity === undefined) return [selected];
  return requiredAffinity.nodeSelectorTerms
    .filter((term) => !isEmptyTerm(term))
    .map((term) =>
      intersection(selected, intersection(allowedByTerm(term, LABEL_OS), allowedByTerm(term, LABEL_OS_BETA))),
    );
}

/** The operating systems that any of the images offers a platform of. */
export function offeredSystems(knowledge: readonly ImageKnowledge[]): readonly string[] {
  const systems = new Set<string>();
  for (const { inspection } of knowledge) {
    if (inspection.kind === 'unresolved') continue;
    for (const { os, architecture } of inspection.facts.platforms) if (architecture !== 'wasm') systems.add(os);
  }
  return [...systems];
}
