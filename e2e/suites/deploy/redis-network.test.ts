import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { isAllowed } from './network-policies.ts';
import type { Caller, NetworkPolicy } from './network-policies.ts';

const FILE = join(import.meta.dirname, '../../../deploy/components/redis/network-policy.yaml');
const policy = parse(readFileSync(FILE, 'utf8')) as NetworkPolicy & { readonly spec: { readonly egress?: unknown } };

const getLabels = (component: string): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/name': 'archpolicy',
  'app.kubernetes.io/component': component,
});
const pod = (namespace: string, labels: Readonly<Record<string, string>>): Caller => ({
  ...{ address: '10.244.1.7', namespace, labels },
});

describe('the NetworkPolicy of the component redis', () => {
  test.each<[string, Caller, string, boolean]>([
    ['the webhook', pod('archpolicy-system', getLabels('webhook')), 'redis', true],
    ['the operator', pod('archpolicy-system', getLabels('operator')), 'redis', true],
    ['the webhook, at another port', pod('archpolicy-system', getLabels('webhook')), 'metrics', false],
    ['another pod of the namespace', pod('archpolicy-system', { app: 'debug' }), 'redis', false],
    ['a pod of a tenant with the labels of the webhook', pod('shop', getLabels('webhook')), 'redis', false],
    ['a node', { address: '192.0.2.99' }, 'redis', false],
  ])('P5 %s', (_, caller, port, expected) => {
    expect(isAllowed([policy], caller, { labels: getLabels('redis'), port })).toBe(expected);
  });

  test('P5 Redis may connect to nothing', () => {
    expect(policy.spec.policyTypes).toContain('Egress');
    expect(policy.spec.egress).toBeUndefined();
  });
});
