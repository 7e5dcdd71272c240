import { selectableValue } from '../kubernetes/labels.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { PlacementWarning } from './decision.ts';
import { contradicts, isArchKey } from './node-constraints.ts';
import type { PodView } from './pod-view.ts';

export interface CopiedLabels {
  readonly requirements: readonly NodeSelectorRequirement[];
  readonly warnings: readonly PlacementWarning[];
}

const NONE: CopiedLabels = { requirements: [], warnings: [] };

/**
 * The node labels that the policy's `copyLabelsToNodeAffinity` asks for. A label that contradicts what the owner wrote
 * is not copied, because the pod could run nowhere; the architecture's own label is what placement itself decides.
 */
export function copiedLabels(view: PodView, { spec }: ArchPolicy): CopiedLabels {
  if (spec.copyLabelsToNodeAffinity.length === 0) return NONE;
  const requirements: NodeSelectorRequirement[] = [];
  const warnings: PlacementWarning[] = [];
  for (const key of spec.copyLabelsToNodeAffinity) {
    const value = selectableValue(view.labels, key);
    if (value === undefined || isArchKey(key)) continue;
    const requirement: NodeSelectorRequirement = { key, operator: 'In', values: [value] };
    if (contradicts(view, requirement)) warnings.push({ kind: 'LabelContradicts', key });
    else requirements.push(requirement);
  }
  return { requirements, warnings };
}
