import { isSchedulable } from '../kubernetes/facts.ts';
import type { NodeFacts, Taint } from '../kubernetes/facts.ts';
import type { Labels } from '../kubernetes/labels.ts';
import { RESOURCE_PODS } from '../kubernetes/requests.ts';
import type { ResourceAmounts } from '../kubernetes/requests.ts';

/**
 * Returns whether a pod may fit on the node now that did not fit on it before. If not, the change cannot help a pod
 * that waits for a node (R4, R9), so no such pod needs to be evaluated.
 *
 * Every change of a label counts, because a selector can require that a label is absent.
 *
 * @param before the node before the change; absent for a new node
 */
export function fitsMorePods(before: NodeFacts | undefined, after: NodeFacts): boolean {
  if (!isSchedulable(after)) return false;
  if (before === undefined || !isSchedulable(before)) return true;
  return (
    before.architecture !== after.architecture ||
    before.os !== after.os ||
    !isEqual(before.labels, after.labels) ||
    before.taints.some((taint) => excludesPods(taint) && !after.taints.some((other) => isSameTaint(taint, other))) ||
    hasMoreResources(before.allocatable, after.allocatable)
  );
}

function isEqual(one: Labels, other: Labels): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && one[key] === other[key])
  );
}

function excludesPods({ effect }: Taint): boolean {
  return effect !== 'PreferNoSchedule';
}

function isSameTaint(one: Taint, other: Taint): boolean {
  return one.key === other.key && one.value === other.value && one.effect === other.effect;
}

/** Returns whether an amount increased. Unknown resources are not a limit, so they are more than any amounts. */
function hasMoreResources(before: ResourceAmounts | undefined, after: ResourceAmounts | undefined): boolean {
  if (before === undefined) return false;
  if (after === undefined) return true;
  return (
    Object.entries(after).some(([name, amount]) => amount > (Object.hasOwn(before, name) ? (before[name] ?? 0) : 0)) ||
    // Without an amount of `pods`, their number is not limited.
    (Object.hasOwn(before, RESOURCE_PODS) && !Object.hasOwn(after, RESOURCE_PODS))
  );
}
