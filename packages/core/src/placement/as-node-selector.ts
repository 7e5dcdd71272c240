import { isJsonObject } from '../json/json.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { PodView } from './pod-view.ts';

/** Whether a node selector can hold the requirement: it has a single value, and its key is free. */
export function fitsNodeSelector({ spec }: PodView, { key, operator, values }: NodeSelectorRequirement): boolean {
  const selector = spec['nodeSelector'];
  if (operator !== 'In' || values.length !== 1) return false;
  return selector === undefined || selector === null || (isJsonObject(selector) && !Object.hasOwn(selector, key));
}
