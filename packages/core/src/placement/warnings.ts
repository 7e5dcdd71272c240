import type { Deny, PlacementWarning } from './decision.ts';
import { quote } from './quote.ts';

/**
 * Maximum length of a warning, as the API server recommends. If all warnings together exceed 4,096 characters, the API
 * server truncates each of them to 256.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response and
 *   https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/endpoints/filters/warning.go
 */
export const MAX_WARNING_LENGTH = 120;
/** Maximum length of a quoted image, so that the rest of the message fits. */
const MAX_SHOWN_IMAGE = 52;
const MAX_SHOWN_KEY = 40;
const MAX_SHOWN_POLICY = 40;
/** The start of every message. */
const PREFIX = 'archpolicy: ';

/**
 * Returns the text of the warning, which kubectl prints. It has at most {@link MAX_WARNING_LENGTH} characters and
 * contains no text from a registry.
 */
export function warningText(warning: PlacementWarning): string {
  return `${PREFIX}${formatWarning(warning)}`.slice(0, MAX_WARNING_LENGTH);
}

/** Returns the message for the user whose pod is denied. */
export function denialText({ policy = '', reason, image, unresolved }: Deny): string {
  const by = `refused by ArchPolicy ${quote(policy, MAX_SHOWN_POLICY)}`;
  const subject = image === undefined ? '' : ` (${quote(image, MAX_SHOWN_IMAGE)})`;
  switch (reason) {
    case 'NoCommonArchitecture':
      return `${by}: its images have no architecture in common${subject}`;
    case 'NotAllowedByPolicy':
      return `${by}: its images support none of the allowed architectures${subject}`;
    case 'Unresolved':
      return `${by}: the platforms of an image are not known${subject}: ${unresolved[0]?.reason ?? reason}`;
  }
}

function formatWarning(warning: PlacementWarning): string {
  switch (warning.kind) {
    case 'PreferenceUnknown':
      return `label archpolicy.dev/preferred of the ${warning.by} names no architecture: ignored`;
    case 'PreferenceNotSupported':
      return `images do not support ${quote(warning.architecture, 10)}, which the ${warning.by} prefers: ignored`;
    case 'PreferenceNotAllowed':
      return `the policy does not allow ${quote(warning.architecture, 10)}, which the ${warning.by} prefers: ignored`;
    case 'PreferredNotSchedulable':
      return `no ready node can take the pod on ${warning.architecture}, which is preferred`;
    case 'OwnerChoiceUnsupported':
      return `images do not support the architecture that the pod selects${imageSuffix(warning)}`;
    case 'NoCommonArchitecture':
      return `images have no architecture in common: not constrained${imageSuffix(warning)}`;
    case 'NotAllowedByPolicy':
      return `not on an architecture that the policy allows${imageSuffix(warning)}`;
    case 'Unresolved':
      return `platforms not known (${warning.reason})${imageSuffix(warning)}`;
    case 'LabelContradicts':
      return `label ${quote(warning.key, MAX_SHOWN_KEY)} contradicts the pod's node selection: not copied`;
    case 'SelfCheckFailed':
      return 'the constraint would make the pod invalid: not constrained';
  }
}

function imageSuffix({ image }: { readonly image?: string }): string {
  return image === undefined ? '' : `: ${quote(image, MAX_SHOWN_IMAGE)}`;
}
