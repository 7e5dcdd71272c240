import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { isJsonArray, objectAt } from '../json/read.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';

/**
 * A pod is up to three megabytes of a tenant's choice, and one thread answers for the whole cluster. No pod that anybody
 * needs comes near these bounds; one beyond them is not looked into.
 */
export const MAX_IMAGES = 256;
const MAX_ELEMENTS = 256;
/** Expressions, match fields and their values, over all terms. */
const MAX_SELECTOR_SIZE = 2_000;
/** Steps of a decision's search for nodes, at about 20 ns each. */
const MAX_DECISION_STEPS = 1_000_000;
/**
 * A decision matches a pod with every node at most so often: for its operating system, for nodes without an architecture
 * label, for what an autoscaler can bring, and for the nodes of each architecture.
 */
const PASSES = 4;
/** Steps of one pass over the nodes, about 5 ms: beyond that no node counts as found. Ten a node is usual. */
const MAX_SEARCH_STEPS = MAX_DECISION_STEPS / PASSES;
/** A comparison of integers (Gt, Lt) parses two texts, which takes about as long as ten other steps. */
const COMPARISON_STEPS = 10;

/** Containers, init containers and volumes together: each may name an image. A pod with some dozens is large. */
const MAX_PARTS = 500;
/** Annotations, labels, node selector and tolerations, each: few enough that deciding about them takes no noticeable time. */
const MAX_ENTRIES = 5_000;

/** Whether a pod in an admission review has more parts than one that runs: it is not read further. */
export function hasTooManyParts(pod: JsonObject): boolean {
  const spec = objectAt(pod, 'spec');
  const parts = ['containers', 'initContainers', 'volumes'].map((field) => countEntries(spec[field]));
  if (parts.reduce((sum, count) => sum + count, 0) > MAX_PARTS) return true;
  const metadata = objectAt(pod, 'metadata');
  const others = [metadata['annotations'], metadata['labels'], spec['nodeSelector'], spec['tolerations']];
  return others.some((one) => countEntries(one) > MAX_ENTRIES);
}

function countEntries(value: Json | undefined): number {
  if (isJsonArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 0;
}

/** What of a pod takes time to match with nodes. */
export type NodeSelection = Pick<PodSpecFacts, 'nodeSelector' | 'requiredAffinity' | 'tolerations'>;

/** Whether the pod has more images, terms, selectors or tolerations than are worth deciding about. */
export function isOversized(pod: NodeSelection & Pick<PodSpecFacts, 'images'>): boolean {
  const terms = pod.requiredAffinity?.nodeSelectorTerms ?? [];
  return (
    pod.images.length > MAX_IMAGES ||
    terms.length > MAX_ELEMENTS ||
    pod.tolerations.length > MAX_ELEMENTS ||
    Object.keys(pod.nodeSelector).length > MAX_ELEMENTS ||
    selectorSize(terms) > MAX_SELECTOR_SIZE
  );
}

/** Whether the pod can be matched with so many nodes without delaying other reviews. */
export function isSearchable({ requiredAffinity, tolerations, nodeSelector }: NodeSelection, nodes: number): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  const perNode = 1 + selectorSteps(terms) + tolerations.length + Object.keys(nodeSelector).length;
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

function selectorSteps(terms: readonly NodeSelectorTerm[]): number {
  let comparisons = 0;
  for (const { matchExpressions } of terms) {
    for (const { operator } of matchExpressions) if (operator === 'Gt' || operator === 'Lt') comparisons += 1;
  }
  return selectorSize(terms) + comparisons * COMPARISON_STEPS;
}
