import { ANNOTATION_TOLERATIONS_WHITELIST } from '../kubernetes/annotations.ts';
import type { NamespaceFacts, NodeFacts, Taint, Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { LABEL_ARCH } from '../kubernetes/node-labels.ts';
import { readToleration } from '../kubernetes/pod-spec.ts';
import { arrayAt, isJsonArray } from '../json/read.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { taintedArchitectures } from '../pod/tainted-architectures.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { tolerates } from '../requirement/tolerations.ts';
import type { PodView } from './pod-view.ts';

/** The effects that keep a pod off a node. */
const EFFECTS: readonly Taint['effect'][] = ['NoSchedule', 'NoExecute'];

/** Returns the toleration of the taint `kubernetes.io/arch=<architecture>` with any effect. */
export function architectureToleration(architecture: NodeArchitecture): Toleration & JsonObject {
  return { key: LABEL_ARCH, operator: 'Equal', value: architecture };
}

/**
 * PL8: returns the architectures for which a toleration is added: their taint exists, the pod may tolerate the taint,
 * and does not tolerate it yet. Returns none while the API server refuses such tolerations, because it would reject the
 * pod.
 */
export function tolerable(
  architectures: readonly NodeArchitecture[],
  { spec }: PodView,
  namespace: NamespaceFacts | undefined,
  policy: ArchPolicy,
  nodes: readonly NodeFacts[],
): readonly NodeArchitecture[] {
  if (!policy.spec.tolerateArchitectureTaints || namespace === undefined) return [];
  if (policy.status?.tolerations === 'Refused') return [];
  const tainted = taintedArchitectures(nodes, policy);
  if (tainted.length === 0) return [];
  const own = arrayAt(spec, 'tolerations').filter(isLasting).map(readToleration);
  const whitelist = namespace.annotations[ANNOTATION_TOLERATIONS_WHITELIST];
  return architectures.filter(
    (architecture) =>
      tainted.includes(architecture) &&
      !isTolerated(architecture, own) &&
      (whitelist === undefined || mayTolerate(architecture, whitelist)),
  );
}

function isTolerated(architecture: NodeArchitecture, tolerations: readonly Toleration[]): boolean {
  return (
    tolerations.length > 0 &&
    EFFECTS.every((effect) => {
      const taint: Taint = { key: LABEL_ARCH, value: architecture, effect };
      return tolerations.some((toleration) => tolerates(toleration, taint));
    })
  );
}

/** Whether the toleration has no duration. A toleration with a duration only delays the eviction of the pod. */
function isLasting(toleration: Json): toleration is JsonObject {
  return isJsonObject(toleration) && typeof toleration['tolerationSeconds'] !== 'number';
}

/**
 * Whether the admission plugin PodTolerationRestriction accepts the toleration. An invalid whitelist accepts no
 * toleration.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/plugin/pkg/admission/podtolerationrestriction/admission.go
 *   (`extractNSTolerations`)
 */
function mayTolerate(architecture: NodeArchitecture, whitelist: string): boolean {
  // The plugin parses an empty string as an empty list.
  const entries = whitelist === '' ? [] : parseList(whitelist);
  if (entries === undefined) return false;
  // The plugin ignores an empty list, and accepts every toleration.
  return (
    entries.length === 0 || entries.some((entry) => isJsonObject(entry) && covers(readToleration(entry), architecture))
  );
}

function covers({ key, operator = 'Equal', value = '', effect }: Toleration, architecture: NodeArchitecture): boolean {
  if (effect !== undefined) return false;
  if (key === undefined) return operator === 'Exists';
  return key === LABEL_ARCH && (operator === 'Exists' || (operator === 'Equal' && value === architecture));
}

function parseList(text: string): readonly Json[] | undefined {
  const parsed = jsonOrUndefined(text);
  return isJsonArray(parsed) ? parsed : undefined;
}
