import { selectableValue } from '../kubernetes/labels.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { PlacementWarning } from './decision.ts';
import { contradicts, contradictsTogether } from './node-constraints.ts';
import type { PodView } from './pod-view.ts';

export interface CopiedLabels {
  readonly requirements: readonly NodeSelectorRequirement[];
  readonly warnings: readonly PlacementWarning[];
}

const NONE: CopiedLabels = { requirements: [], warnings: [] };

/**
 * PL3: returns the labels to copy. A label is not copied if no required term could match both its requirement and
 * `narrowing`, the requirement of the images or a preference.
 */
export function copiedBeside(
  view: PodView,
  copied: CopiedLabels,
  narrowing: readonly NodeSelectorRequirement[],
): CopiedLabels {
  const requirements: NodeSelectorRequirement[] = [];
  const warnings: PlacementWarning[] = [...copied.warnings];
  for (const requirement of copied.requirements) {
    const isAlone = contradictsTogether(view, [...narrowing, ...requirements, requirement]);
    if (isAlone) warnings.push({ kind: 'LabelContradicts', key: requirement.key });
    else requirements.push(requirement);
  }
  return { requirements, warnings };
}

/**
 * Returns the requirements for the labels of the policy's `copyLabelsToNodeAffinity`. A label that contradicts what the
 * owner wrote is not copied, because no node would match. The schema rejects the architecture label as a key.
 */
export function copiedLabels(view: PodView, { spec }: ArchPolicy): CopiedLabels {
  if (spec.copyLabelsToNodeAffinity.length === 0) return NONE;
  const requirements: NodeSelectorRequirement[] = [];
  const warnings: PlacementWarning[] = [];
  for (const key of spec.copyLabelsToNodeAffinity) {
    const value = selectableValue(view.labels, key);
    if (value === undefined) continue;
    const requirement: NodeSelectorRequirement = { key, operator: 'In', values: [value] };
    if (contradicts(view, requirement)) warnings.push({ kind: 'LabelContradicts', key });
    else requirements.push(requirement);
  }
  return { requirements, warnings };
}
