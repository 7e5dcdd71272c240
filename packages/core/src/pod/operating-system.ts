import type { NodeFacts } from '../kubernetes/facts.ts';
import { LABEL_OS, LABEL_OS_BETA } from '../kubernetes/node-labels.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { allowedBySelector, allowedByTerm, isEmptyTerm, matchesNode } from '../requirement/evaluate.ts';
import type { ValueSet } from '../requirement/value-set.ts';
import { ANY_VALUE, has, intersection } from '../requirement/value-set.ts';
import type { ImageKnowledge } from './image-knowledge.ts';
import { isSearchable } from './limits.ts';

/** The operating system of a pod (PL4). */
export type PodOs =
  /** The pod sets `spec.os.name`, or its node selector and required terms allow only one operating system. */
  | { readonly kind: 'declared'; readonly name: string }
  /** The operating system of the nodes that match the pod. This is not certain enough to deny the pod. */
  | { readonly kind: 'assumed'; readonly name: string }
  /** The pod matches nodes of several operating systems, none of them Linux. */
  | { readonly kind: 'open' };

/** The parts of a pod that determine its operating system. */
export type OsConstraints = Pick<PodSpecFacts, 'os' | 'nodeSelector' | 'requiredAffinity' | 'tolerations'>;

export const LINUX = 'linux';
/** The values of `spec.os.name`: https://kubernetes.io/docs/concepts/workloads/pods/#pod-os */
const SYSTEMS = [LINUX, 'windows'] as const;

/**
 * PL4: returns the pod's operating system. If the pod does not declare one, the nodes that match its node selector and
 * required terms decide. If a Linux node matches, or no node matches, the result is Linux; otherwise it is the
 * operating system of the matching nodes. The nodes are searched only if the images support another system than Linux,
 * because otherwise the result does not matter.
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

/**
 * Returns `spec.os.name`, else the only operating system that the node selector and required terms allow; undefined
 * when they allow several.
 */
export function declaredOs(pod: Pick<OsConstraints, 'os' | 'nodeSelector' | 'requiredAffinity'>): string | undefined {
  if (pod.os !== undefined) return pod.os;
  const alternatives = allowedSystems(pod);
  if (alternatives.length === 0 || alternatives.includes(ANY_VALUE)) return undefined;
  const named = alternatives.flatMap(({ complement, values }) => (complement ? [] : [...values]));
  const candidates = [...new Set([...SYSTEMS, ...named])];
  const left = candidates.filter((system) => alternatives.some((allowed) => has(allowed, system)));
  return left.length === 1 ? left[0] : undefined;
}

/** Returns the operating systems that the node selector allows together with each required term that can match. */
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

/** Returns the operating systems for which any of the images has a platform. */
export function offeredSystems(knowledge: readonly ImageKnowledge[]): readonly string[] {
  const systems = new Set<string>();
  for (const { inspection } of knowledge) {
    if (inspection.kind === 'unresolved') continue;
    for (const { os, architecture } of inspection.facts.platforms) if (architecture !== 'wasm') systems.add(os);
  }
  return [...systems];
}
