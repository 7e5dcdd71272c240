import type { NamespaceFacts } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { Labels, SelectableLabels } from '../kubernetes/labels.ts';
import { arrayAt, textAt } from '../json/read.ts';
import type { LabelSelector } from '../policy/label-selector.ts';
import { isValidSelector, matchesNamespace, matchesSelector } from '../policy/label-selector.ts';

/** The name of the webhook within its MutatingWebhookConfiguration (deploy/base/webhook-configuration). */
export const WEBHOOK_NAME = 'pods.archpolicy.dev';

/**
 * The match conditions that earlier versions installed (adr/0048), and that a cluster may still have. Both conditions
 * are true for every replacement that a controller creates, because such a pod is not bound and is not a mirror pod.
 * Other expressions are not evaluated.
 */
const CONDITIONS_THAT_HOLD: ReadonlySet<string> = new Set([
  "!has(object.spec.nodeName) || object.spec.nodeName == ''",
  "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)",
]);

/** The webhook's configuration in the cluster (R3). */
export type InstalledWebhook =
  /** There is no configuration: the webhook is never called. */
  | { readonly kind: 'absent' }
  /** The configuration has a selector or condition that this parser does not support, so its effect on a pod is not known. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'installed';
      readonly namespaces: LabelSelector;
      readonly objects: LabelSelector;
      /** Whether the webhook's rules include the creation of pods. */
      readonly pods: boolean;
    };

/** Whether the API server would call the webhook for a pod. */
export type WebhookCall = 'called' | 'not-called' | 'not-installed' | 'unknown';

/**
 * Reads a MutatingWebhookConfiguration.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/admissionregistration/v1/types.go (`MutatingWebhookConfiguration`)
 * @example {"webhooks":[{"name":"pods.archpolicy.dev","objectSelector":{…},"namespaceSelector":{"matchExpressions":[…]},
 *   "rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]}]}
 */
export function parseInstalledWebhook(configuration: JsonObject): InstalledWebhook {
  const webhook = arrayAt(configuration, 'webhooks')
    .filter(isJsonObject)
    .find((entry) => entry['name'] === WEBHOOK_NAME);
  if (webhook === undefined) return { kind: 'absent' };
  const namespaces = parseSelector(webhook['namespaceSelector']);
  const objects = parseSelector(webhook['objectSelector']);
  const known = arrayAt(webhook, 'matchConditions').every(holds);
  if (namespaces === undefined || objects === undefined || !known) return { kind: 'unknown' };
  return { kind: 'installed', namespaces, objects, pods: arrayAt(webhook, 'rules').some(namesPods) };
}

/**
 * R3: returns whether the webhook would be called for a replacement.
 *
 * @param labels the labels of the replacement, from its template and its controller
 */
export function webhookCall(
  installed: InstalledWebhook,
  namespace: NamespaceFacts,
  labels: SelectableLabels,
): WebhookCall {
  if (installed.kind === 'absent') return 'not-installed';
  if (installed.kind === 'unknown') return 'unknown';
  const called =
    installed.pods && matchesNamespace(installed.namespaces, namespace) && matchesSelector(installed.objects, labels);
  return called ? 'called' : 'not-called';
}

function holds(condition: Json): boolean {
  const expression = isJsonObject(condition) ? textAt(condition, 'expression') : undefined;
  return expression !== undefined && CONDITIONS_THAT_HOLD.has(expression.trim());
}

function namesPods(rule: Json): boolean {
  return (
    isJsonObject(rule) &&
    names(rule, 'apiGroups', ['', '*']) &&
    names(rule, 'apiVersions', ['v1', '*']) &&
    names(rule, 'operations', ['CREATE', '*']) &&
    names(rule, 'resources', ['pods', '*', '*/*', 'pods/*']) &&
    rule['scope'] !== 'Cluster'
  );
}

function names(rule: JsonObject, field: string, any: readonly string[]): boolean {
  return arrayAt(rule, field).some((value) => typeof value === 'string' && any.includes(value));
}

/** Parses a label selector. An absent selector selects everything. Returns undefined if it is malformed or invalid. */
function parseSelector(raw: Json | undefined): LabelSelector | undefined {
  if (raw === undefined || raw === null) return {};
  if (!isJsonObject(raw)) return undefined;
  const matchLabels = raw['matchLabels'];
  const expressions = arrayAt(raw, 'matchExpressions').map(parseExpression);
  const requirements = expressions.filter((expression) => expression !== undefined);
  if (requirements.length !== expressions.length || !isLabelsOrNone(matchLabels)) return undefined;
  const selector = {
    ...(isJsonObject(matchLabels) && { matchLabels: matchLabels as Labels }),
    matchExpressions: requirements,
  };
  return isValidSelector(selector) ? selector : undefined;
}

function parseExpression(raw: Json): NonNullable<LabelSelector['matchExpressions']>[number] | undefined {
  const key = isJsonObject(raw) ? textAt(raw, 'key') : undefined;
  const operator = isJsonObject(raw) ? textAt(raw, 'operator') : undefined;
  if (!isJsonObject(raw) || key === undefined || operator === undefined) return undefined;
  return { key, operator, values: arrayAt(raw, 'values').filter((value) => typeof value === 'string') };
}

function isLabelsOrNone(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  return isJsonObject(value) && Object.values(value).every((one) => typeof one === 'string');
}
