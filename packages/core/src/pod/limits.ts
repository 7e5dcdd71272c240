import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { isJsonArray, objectAt } from '../json/read.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';

/**
 * Bounds on what one pod may cost: a tenant's pod has up to three megabytes, and one thread serves the whole cluster.
 * Legitimate pods are far below these bounds. A pod above them is not evaluated.
 */
export const MAX_IMAGES = 256;
const MAX_ELEMENTS = 256;
/** Expressions, match fields and their values, in all terms together. */
const MAX_SELECTOR_SIZE = 2_000;
/** Steps of the node searches of one decision, at about 20 ns each. */
const MAX_DECISION_STEPS = 1_000_000;
/**
 * The most searches over all nodes in one decision: for the operating system, for nodes without an architecture label,
 * for the nodes that an autoscaler can bring, and for the nodes of each architecture.
 */
const PASSES = 4;
/** Steps of one search, about 5 ms: a search that needs more finds no node. Ten steps per node are usual. */
const MAX_SEARCH_STEPS = MAX_DECISION_STEPS / PASSES;
/** A comparison of integers (Gt, Lt) parses two strings, which takes as long as about ten other steps. */
const COMPARISON_STEPS = 10;

/** Containers, init containers and volumes together: each may name an image. A large pod has some dozens. */
const MAX_PARTS = 500;
/** Annotations, labels, node selector and tolerations, each: a decision about so many takes no noticeable time. */
const MAX_ENTRIES = 5_000;

/** Whether a pod in an admission review has more parts than any pod that runs: then it is not parsed. */
export function hasTooManyParts(pod: JsonObject): boolean {
  const spec = objectAt(pod, 'spec');
  const parts = ['containers', 'initContainers', 'volumes'].map((field) => countEntries(spec[field]));
  if (parts.reduce((sum, count) => sum + count, 0) > MAX_PARTS) return true;
  const metadata = objectAt(pod, 'metadata');
  const collections = [metadata['annotations'], metadata['labels'], spec['nodeSelector'], spec['tolerations']];
  return collections.some((one) => countEntries(one) > MAX_ENTRIES);
}

function countEntries(value: Json | undefined): number {
  if (isJsonArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 0;
}

/** The parts of a pod that take time to match with nodes. */
export type NodeSelection = Pick<PodSpecFacts, 'nodeSelector' | 'requiredAffinity' | 'tolerations'>;

/** Whether the pod has too many images, terms, selectors or tolerations for a decision. */
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

/** Whether the pod can be matched with this many nodes without delaying other reviews. */
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
