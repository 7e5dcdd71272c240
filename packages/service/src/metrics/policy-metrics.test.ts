import { expect, test } from '@jest/globals';
import { createRegistry } from './enum-metrics.ts';
import { policyCounter, policyGauge } from './policy-metrics.ts';
import type { PolicySample } from './policy-metrics.ts';

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `policy-${at}`);

test('a gauge by policy has the policies of the scrape only, and adds up those over 200', async () => {
  const registry = createRegistry();
  const sample = (policy: string, state: 'a' | 'b', value: number): PolicySample<'state'> => ({
    labels: { policy, state },
    value,
  });
  let samples = names(1_000).flatMap((policy) => [sample(policy, 'a', 1), sample(policy, 'b', 2)]);
  policyGauge({ registry, name: 'archpolicy_test', help: 'h', labels: ['state'], read: () => samples });
  const series = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('archpolicy_test{'));
  const many = await series();
  expect(many).toHaveLength(2 * 200);
  expect(many).toContain('archpolicy_test{policy="other",state="b"} 1602');
  samples = [sample('default', 'a', 7), sample('default', 'b', 0)];
  const expected = ['archpolicy_test{policy="default",state="a"} 7', 'archpolicy_test{policy="default",state="b"} 0'];
  expect(await series()).toEqual(expected);
});

test('a counter by policy counts policies over 200 as `other`', async () => {
  const registry = createRegistry();
  const count = policyCounter({ registry, name: 'archpolicy_test_total', help: 'h' });
  for (const policy of names(1_000)) count(policy);
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('archpolicy_test_total{'));
  expect(lines).toHaveLength(200);
  expect(lines).toContain('archpolicy_test_total{policy="other"} 801');
});
