import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import { callTimeoutMs, reportsFailures } from './webhook-calls.ts';

const ADDRESS = { service: { name: 'archpolicy-webhook', namespace: 'archpolicy-system' }, caBundle: 'Q0E=' };

/** A configuration with the actual webhook, and the one that reports failures. */
function configuration(actual: JsonObject, diagnosis: JsonObject = {}): JsonObject {
  return {
    webhooks: [
      { name: 'pods.archpolicy.dev', clientConfig: ADDRESS, ...actual },
      { name: 'probe.archpolicy.dev', clientConfig: ADDRESS, failurePolicy: 'Fail', ...diagnosis },
    ],
  };
}

describe('how the API server calls the webhook', () => {
  test.each([
    [configuration({ timeoutSeconds: 2 }), 2_000],
    [configuration({}), 10_000],
    [{}, 10_000],
  ])('R3 the timeout of %j is %i ms', (found, expected) => {
    expect(callTimeoutMs(found)).toBe(expected);
  });

  test.each<[string, JsonObject, boolean]>([
    ['the same address and CA', configuration({}), true],
    ['another CA', configuration({}, { clientConfig: { ...ADDRESS, caBundle: 'Qg==' } }), false],
    ['no CA, as after an upgrade', configuration({}, { clientConfig: { service: ADDRESS.service } }), false],
    ['failures ignored', configuration({}, { failurePolicy: 'Ignore' }), false],
    ['no such webhook', { webhooks: [{ name: 'pods.archpolicy.dev', clientConfig: ADDRESS }] }, false],
    ['no configuration', {}, false],
  ])('R3 failures are reported: %s', (_, found, expected) => {
    expect(reportsFailures(found)).toBe(expected);
  });
});
