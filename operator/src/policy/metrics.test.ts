import { expect, test } from '@jest/globals';
import { createRegistry } from '@archpolicy/service';
import { policy } from '../fixtures/objects.ts';
import { NO_PODS } from '../statistics/policy-pod-stats.ts';
import { declarePolicyMetrics } from './metrics.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

test('R9 pods and active relaxations of each policy are read at the scrape; a deleted policy has no series', async () => {
  const registry = createRegistry();
  const metrics = declarePolicyMetrics(registry);
  const series = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => /^archpolicy_policy_.* [^0]/u.test(line));
  const standby = await series();
  const relaxed = ['2026-01-01T01:00:00Z', '2025-12-31T23:00:00Z'].map((until, at) => ({
    owner: `shop/Deployment/web-${at}`,
    until,
  }));
  let policies = [
    policy({ remediation: { maxEvictionsPerMinute: 7 } }, 'default', { status: { relaxed } }),
    policy({ remediation: { maxEvictionsPerMinute: 8 } }, 'other'),
  ];
  metrics.watchPolicies({
    list: () => policies,
    counts: (name) => (name === 'default' ? { ...NO_PODS, matched: 9, misplaced: 2 } : NO_PODS),
    clock: { now: () => NOW_MS },
  });
  metrics.evicted('default');
  const leading = await series();
  policies = [];
  expect([standby, leading, await series()]).toEqual([
    [],
    [
      'archpolicy_policy_evictions_total{policy="default"} 1',
      'archpolicy_policy_pods{policy="default",state="matched"} 9',
      'archpolicy_policy_pods{policy="default",state="misplaced"} 2',
      'archpolicy_policy_relaxations{policy="default"} 1',
      'archpolicy_policy_max_evictions_per_minute{policy="default"} 7',
      'archpolicy_policy_max_evictions_per_minute{policy="other"} 8',
    ],
    ['archpolicy_policy_evictions_total{policy="default"} 1'],
  ]);
});
