import { isJsonObject } from '../json/json.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { PodView } from './pod-view.ts';

/**
 * Whether the requirement can be a key of the node selector: it has a single value, and the node selector does not
 * contain its key yet.
 */
export function fitsNodeSelector({ spec }: PodView, { key, operator, values }: NodeSelectorRequirement): boolean {
  const selector = spec['nodeSelector'];
  if (operator !== 'In' || values.length !== 1) return false;
  return selector === undefined || selector === null || (isJsonObject(selector) && !Object.hasOwn(selector, key));
}
