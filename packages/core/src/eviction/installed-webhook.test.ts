import type { Labels } from '../kubernetes/labels.ts';
import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json/json.ts';
import { parseInstalledWebhook, webhookCall } from './installed-webhook.ts';

const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' };
const NOT_SKIPPED = { key: 'archpolicy.dev/skip', operator: 'NotIn', values: ['true'] };
const NOT_BOUND = { name: 'not-bound', expression: "!has(object.spec.nodeName) || object.spec.nodeName == ''" };

/** The configuration in deploy/, with the changes of the row. */
const configuration = (changes: JsonObject = {}): JsonObject => ({
  webhooks: [
    { name: 'another.example.com', rules: [] },
    {
      name: 'pods.archpolicy.dev',
      rules: [RULE],
      namespaceSelector: {
        matchExpressions: [
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'archpolicy-system'] },
          NOT_SKIPPED,
        ],
      },
      objectSelector: { matchExpressions: [NOT_SKIPPED] },
      ...changes,
    },
  ],
});
const rule = (changes: JsonObject): JsonObject => configuration({ rules: [{ ...RULE, ...changes }] });
const condition = (expression: Json): JsonObject => configuration({ matchConditions: [NOT_BOUND, { expression }] });
const MIRROR = "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)";

interface Asked {
  readonly namespace?: string;
  readonly namespaceLabels?: Labels;
  readonly podLabels?: Labels;
}

describe('whether the webhook would be called for a replacement', () => {
  // prettier-ignore
  test.each<[string, JsonObject, Asked, string]>([
    ['as installed by deploy/', configuration(), {}, 'called'],
    ['in a namespace that is excluded by name', configuration(), { namespace: 'kube-system' }, 'not-called'],
    ['in ArchPolicy’s own namespace', configuration(), { namespace: 'archpolicy-system' }, 'not-called'],
    ['in an excluded namespace that forges the label of its name', configuration(), { namespace: 'kube-system', namespaceLabels: { 'kubernetes.io/metadata.name': 'shop' } }, 'not-called'],
    ['in a namespace with the skip label', configuration(), { namespaceLabels: { 'archpolicy.dev/skip': 'true' } }, 'not-called'],
    ['in a namespace whose skip label is false', configuration(), { namespaceLabels: { 'archpolicy.dev/skip': 'false' } }, 'called'],
    ['for a pod with the skip label', configuration(), { podLabels: { 'archpolicy.dev/skip': 'true' } }, 'not-called'],
    ['a namespace selector that matches', configuration({ namespaceSelector: { matchLabels: { arch: 'on' } } }), { namespaceLabels: { arch: 'on' } }, 'called'],
    ['a namespace selector that does not match', configuration({ namespaceSelector: { matchLabels: { arch: 'on' } } }), {}, 'not-called'],
    ['an object selector that does not match', configuration({ objectSelector: { matchLabels: { arch: 'on' } } }), {}, 'not-called'],
    ['no selectors', configuration({ namespaceSelector: null, objectSelector: {} }), { namespace: 'kube-system' }, 'called'],
    ['no conditions', configuration({ matchConditions: [] }), {}, 'called'],
    ['the conditions of earlier versions', condition(MIRROR), {}, 'called'],
    ['an unknown condition', condition("object.metadata.namespace != 'shop'"), {}, 'unknown'],
    ['a condition that extends one of earlier versions', condition(`${MIRROR} && false`), {}, 'unknown'],
    ['a condition of another shape', condition(7), {}, 'unknown'],
    ['a selector with an unknown operator', configuration({ objectSelector: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } }), {}, 'unknown'],
    ['a selector of another shape', configuration({ objectSelector: 'all' }), {}, 'unknown'],
    ['labels of another shape', configuration({ namespaceSelector: { matchLabels: { a: 1 } } }), {}, 'unknown'],
    ['expressions of another shape', configuration({ namespaceSelector: { matchExpressions: [7] } }), {}, 'unknown'],
    ['rules for everything', rule({ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'], scope: '*' }), {}, 'called'],
    ['rules for another resource', rule({ resources: ['pods/status'] }), {}, 'not-called'],
    ['rules for another operation', rule({ operations: ['UPDATE'] }), {}, 'not-called'],
    ['rules for another group', rule({ apiGroups: ['apps'] }), {}, 'not-called'],
    ['rules for cluster-scoped objects', rule({ scope: 'Cluster' }), {}, 'not-called'],
    ['no rules', configuration({ rules: [] }), {}, 'not-called'],
    ['only another webhook', { webhooks: [{ name: 'another.example.com' }] }, {}, 'not-installed'],
    ['no webhooks', {}, {}, 'not-installed'],
  ])('R3 %s', (_, raw, { namespace = 'shop', namespaceLabels = {}, podLabels = {} }, expected) => {
    const facts = { name: namespace, labels: namespaceLabels, annotations: {} };
    expect(webhookCall(parseInstalledWebhook(raw), facts, podLabels)).toBe(expected);
  });
});
