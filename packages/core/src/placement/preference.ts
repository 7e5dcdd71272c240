import { LABEL_PREFERRED, LABEL_PREFERRED_NOE } from '../kubernetes/archpolicy-keys.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { isRelaxedAt } from '../policy/index.ts';
import type { ConstrainReason, PlacementWarning, PreferredArchitecture } from './decision.ts';
import type { PlacementInput } from './input.ts';
import type { PodView } from './pod-view.ts';
import { choosesSoftly } from './soft-choice.ts';
import { computeBucket, getWorkload } from './workload.ts';

/** One preferred architecture and the source of the preference. */
export interface Wanted {
  readonly architecture: NodeArchitecture;
  readonly reason: Extract<ConstrainReason, 'Preferred' | 'PreferredByPod' | 'PreferredByNamespace' | 'RolledOut'>;
}

/** PL6: the wanted architectures, the most preferred first. The images may not support all of them. */
export interface Preference {
  readonly wanted: readonly Wanted[];
  readonly warnings: readonly PlacementWarning[];
}

interface Override {
  readonly by: 'pod' | 'namespace';
  readonly text: string;
}

/**
 * The weight of preferred terms if the policy has no `preference`, for example for a rollout or a guess. It is the
 * schema's default.
 */
const DEFAULT_WEIGHT = 100;

const NOTHING_WANTED: Preference = { wanted: [], warnings: [] };

/**
 * Resolves the preference. The pod's choice has precedence over the namespace's choice, followed by the policy's
 * rollout and the policy's preference. A choice of a pod or namespace is ignored with a warning if the policy does not
 * allow it or the images do not support it. If the owner chose among architectures without requiring one (PL3), only
 * the pod's own label counts.
 *
 * @param supported the architectures that the images support; `'any'` if they constrain nothing
 */
export function resolvePreference(
  view: PodView,
  input: PlacementInput,
  policy: ArchPolicy,
  supported: readonly NodeArchitecture[] | 'any',
): Preference {
  if (isRelaxed(view, input, policy)) return NOTHING_WANTED;
  const warnings: PlacementWarning[] = [];
  const wanted: Wanted[] = [];
  const hasChosen = choosesSoftly(view.spec);
  for (const override of readOverrides(view, input)) {
    if (hasChosen && override.by !== 'pod') continue;
    const checked = checkOverride(override, policy, supported);
    if (checked.kind === 'refused') warnings.push(checked.warning);
    else {
      wanted.push(checked.wanted);
      break;
    }
  }
  if (!hasChosen) wanted.push(...getPolicyPreferences(view, input, policy));
  const left = wanted.filter(({ architecture }) => !isRelaxed(view, input, policy, architecture));
  return { wanted: left.filter(isFirstOfArchitecture), warnings };
}

/** Returns the weight of a policy's preferred terms. */
export function preferenceWeight({ spec }: ArchPolicy): number {
  return spec.preference?.weight ?? DEFAULT_WEIGHT;
}

/** PL6, type Prefer: the i-th of n wanted architectures (from 0) has the weight max(1, round(weight · (n − i) / n)). */
export function weighted(
  wanted: readonly Wanted[],
  weight: number,
  supported: readonly NodeArchitecture[] | 'any',
): readonly PreferredArchitecture[] {
  const n = wanted.length;
  return wanted
    .map(({ architecture }, i) => ({ architecture, weight: Math.max(1, Math.round((weight * (n - i)) / n)) }))
    .filter(({ architecture }) => isSupported(architecture, supported));
}

export function isSupported(architecture: NodeArchitecture, supported: readonly NodeArchitecture[] | 'any'): boolean {
  return supported === 'any' || supported.includes(architecture);
}

/**
 * R9: whether the preference is relaxed, because pods with the preference found no node. The policy's status relaxes it
 * for a workload, a namespace or all pods of the policy.
 *
 * @param architecture if absent, returns whether every preference is relaxed
 */
export function isRelaxed(
  view: PodView,
  input: PlacementInput,
  { status }: ArchPolicy,
  architecture?: NodeArchitecture,
): boolean {
  const { preferenceRelaxed, nowMs, namespace } = input;
  if (preferenceRelaxed !== undefined) return preferenceRelaxed;
  if (status?.relaxed === undefined || nowMs === undefined) return false;
  return isRelaxedAt(status.relaxed, { workload: getWorkload(view, namespace), namespace }, nowMs, architecture);
}

function readOverrides({ labels, annotations }: PodView, { namespaceFacts }: PlacementInput): readonly Override[] {
  const overrides: Override[] = [];
  const pod = readPreferred(labels, annotations) ?? labels[LABEL_PREFERRED_NOE];
  if (pod !== undefined) overrides.push({ by: 'pod', text: pod });
  if (namespaceFacts === undefined) return overrides;
  const namespace = readPreferred(namespaceFacts.labels, namespaceFacts.annotations);
  if (namespace !== undefined) overrides.push({ by: 'namespace', text: namespace });
  return overrides;
}

type PreferenceMetadata = Readonly<Partial<Record<typeof LABEL_PREFERRED, string>>>;

function readPreferred(labels: PreferenceMetadata, annotations: PreferenceMetadata): string | undefined {
  return labels[LABEL_PREFERRED] ?? annotations[LABEL_PREFERRED];
}

type CheckedOverride =
  | { readonly kind: 'accepted'; readonly wanted: Wanted }
  | { readonly kind: 'refused'; readonly warning: PlacementWarning };

function checkOverride(
  { by, text }: Override,
  { spec }: ArchPolicy,
  supported: readonly NodeArchitecture[] | 'any',
): CheckedOverride {
  if (!isArchitecture(text)) return { kind: 'refused', warning: { kind: 'PreferenceUnknown', by } };
  const allowed = spec.preference?.allowOverride ?? true;
  if (!allowed || spec.architectures?.includes(text as never) === false) {
    return { kind: 'refused', warning: { kind: 'PreferenceNotAllowed', by, architecture: text } };
  }
  if (!isNodeArchitecture(text) || !isSupported(text, supported)) {
    return { kind: 'refused', warning: { kind: 'PreferenceNotSupported', by, architecture: text } };
  }
  const reason = by === 'pod' ? 'PreferredByPod' : 'PreferredByNamespace';
  return { kind: 'accepted', wanted: { architecture: text, reason } };
}

function getPolicyPreferences(
  view: PodView,
  { namespace }: PlacementInput,
  { name, spec }: ArchPolicy,
): readonly Wanted[] {
  const wanted: Wanted[] = [];
  const { rollout, preference } = spec;
  if (rollout !== undefined && isNodeArchitecture(rollout.architecture)) {
    const moved = computeBucket(name, getWorkload(view, namespace)) < rollout.percent;
    if (moved) wanted.push({ architecture: rollout.architecture, reason: 'RolledOut' });
  }
  for (const architecture of preference?.architectures ?? []) {
    if (isNodeArchitecture(architecture)) wanted.push({ architecture, reason: 'Preferred' });
  }
  return wanted;
}

function isFirstOfArchitecture({ architecture }: Wanted, index: number, all: readonly Wanted[]): boolean {
  return all.findIndex((other) => other.architecture === architecture) === index;
}
