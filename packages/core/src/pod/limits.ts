import type { NodeSelectorTerm } from '../requirement/selector.ts';
import type { Subject } from '../placement/subject.ts';

/**
 * A pod is up to three megabytes of a tenant's choice, and one thread answers for the whole cluster. No pod that anybody
 * needs comes near these bounds; one beyond them is not looked into.
 */
export const MAX_IMAGES = 256;
const MAX_ELEMENTS = 256;
/** Expressions, match fields and their values, over all terms. */
const MAX_SELECTOR_SIZE = 2_000;
/** Steps of looking for a node, about 20 ms: beyond that no node counts as found. Ten a node is usual. */
const MAX_SEARCH_STEPS = 1_000_000;

/** Whether the pod has more images, terms, selectors or tolerations than are worth deciding about. */
export function isOversized({ images, terms = [], tolerations, nodeSelector }: Subject): boolean {
  return (
    images.length > MAX_IMAGES ||
    terms.length > MAX_ELEMENTS ||
    tolerations.length > MAX_ELEMENTS ||
    Object.keys(nodeSelector).length > MAX_ELEMENTS ||
    selectorSize(terms) > MAX_SELECTOR_SIZE
  );
}

/** Whether so many nodes can be matched with the pod without keeping everybody else waiting. */
export function isSearchable(subject: Subject, nodes: number): boolean {
  const { terms = [], tolerations, nodeSelector } = subject;
  const perNode = 1 + selectorSize(terms) + tolerations.length + Object.keys(nodeSelector).length;
  return perNode * nodes <= MAX_SEARCH_STEPS;
}

function selectorSize(terms: readonly NodeSelectorTerm[]): number {
  let size = 0;
  for (const { matchExpressions, matchFields } of terms) {
    for (const { values } of matchExpressions) size += 1 + values.length;
    for (const { values } of matchFields) size += 1 + values.length;
  }
  return size;
}
