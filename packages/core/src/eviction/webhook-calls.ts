import { isJsonObject } from '../json/json.ts';
import type { JsonObject } from '../json/json.ts';
import { arrayAt } from '../json/read.ts';
import { WEBHOOK_NAME } from './installed-webhook.ts';

/** The name of the webhook of which the API server reports failures to the operator (docs/adr/0131). */
export const DIAGNOSIS_WEBHOOK = 'probe.archpolicy.dev';
/** The label of the dry runs that this webhook selects. */
export const DIAGNOSIS_LABELS: Readonly<Record<string, string>> = { 'archpolicy.dev/probe': 'diagnosis' };

/**
 * The default of `timeoutSeconds`.
 * https://github.com/kubernetes/api/blob/v0.36.3/admissionregistration/v1/types.go (`MutatingWebhook`)
 */
const DEFAULT_TIMEOUT_SECONDS = 10;

/** Returns the timeout of the API server's calls to the webhook, milliseconds. */
export function callTimeoutMs(configuration: JsonObject): number {
  const seconds = find(configuration, WEBHOOK_NAME)?.['timeoutSeconds'];
  return (typeof seconds === 'number' ? seconds : DEFAULT_TIMEOUT_SECONDS) * 1_000;
}

/**
 * Whether the API server reports failed calls of the webhook for dry runs with `DIAGNOSIS_LABELS`: the webhook that selects
 * them has `failurePolicy: Fail`, and is called as the actual one. If its address or CA differs, its failure proves nothing
 * about the actual one.
 */
export function reportsFailures(configuration: JsonObject): boolean {
  const actual = find(configuration, WEBHOOK_NAME);
  const diagnosis = find(configuration, DIAGNOSIS_WEBHOOK);
  return (
    diagnosis?.['failurePolicy'] === 'Fail' &&
    JSON.stringify(actual?.['clientConfig']) === JSON.stringify(diagnosis['clientConfig'])
  );
}

function find(configuration: JsonObject, name: string): JsonObject | undefined {
  return arrayAt(configuration, 'webhooks')
    .filter(isJsonObject)
    .find((webhook) => webhook['name'] === name);
}
