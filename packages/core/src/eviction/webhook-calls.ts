import type { JsonObject } from '../json/json.ts';
import { arrayAt } from '../json/read.ts';
import { isJsonObject } from '../json/json.ts';
import { WEBHOOK_NAME } from './installed-webhook.ts';

/**
 * The default of `timeoutSeconds`.
 * https://github.com/kubernetes/api/blob/v0.36.3/admissionregistration/v1/types.go (`MutatingWebhook`)
 */
const DEFAULT_TIMEOUT_SECONDS = 10;

/** Returns the timeout of the API server's calls to the webhook, milliseconds. */
export function callTimeoutMs(configuration: JsonObject): number {
  const seconds = arrayAt(configuration, 'webhooks')
    .filter(isJsonObject)
    .find(({ name }) => name === WEBHOOK_NAME)?.['timeoutSeconds'];
  return (typeof seconds === 'number' ? seconds : DEFAULT_TIMEOUT_SECONDS) * 1_000;
}
