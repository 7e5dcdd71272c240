import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { isJsonArray, objectAt } from '../json/read.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';

/**
 * Bounds on the parts of one pod. They are needed, because a tenant's pod may have three megabytes, and a single thread
 * decides for the whole cluster. Legitimate pods are far below these bounds, and larger pods are not evaluated.
 */
export const MAX_IMAGES = 256;
const MAX_ELEMENTS = 256;
/** Maximum number of expressions, match fields and their values in all terms together. */
const MAX_SELECTOR_SIZE = 2_000;
/** Maximum number of steps of all node searches in one decision. A step takes about 20 ns. */
const MAX_DECISION_STEPS = 1_000_000;
/**
 * Maximum number of searches over all nodes in one decision: for the operating system, for nodes without an
 * architecture label, for the nodes that an autoscaler can add, and for the nodes of each architecture.
 */
const PASSES = 4;
/**
 * Maximum number of steps of one search. A search with this many steps takes about 5 ms. A search that would need more steps finds no node.
 * Usually, about ten steps per node are needed.
 */
const MAX_SEARCH_STEPS = MAX_DECISION_STEPS / PASSES;
/** Number of steps that a comparison of integers (Gt, Lt) counts as, because it parses two strings. */
const COMPARISON_STEPS = 10;

/**
 * Maximum number of containers, init containers and volumes together, because each of them may name an image. A large
 * pod has some dozens.
 */
const MAX_PARTS = 500;
/**
 * Maximum number of entries in each of annotations, labels, node selector and tolerations. A decision about a pod with
 * as many entries still takes no noticeable time.
 */
const MAX_ENTRIES = 5_000;

/** Whether a pod in an admission review has more parts than any real pod. Such a pod is not parsed. */
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

/** The parts of a pod that determine how long matching it with nodes takes. */
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

/** Whether a search over this number of nodes is short enough, so that it does not delay other reviews. */
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
