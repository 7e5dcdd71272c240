import { expect, test } from '@jest/globals';
import { createRegistry } from '@archpolicy/service';
import { declareRemediationMetrics } from './metrics.ts';
import type { EvaluationProgress } from './metrics.ts';

test('the last recheck has no sample until all pods were evaluated; gauges of pods are 0 in a standby', async () => {
  const registry = createRegistry();
  const metrics = declareRemediationMetrics(registry);
  const names = [
    'last_recheck_timestamp_seconds',
    'recheck_pending_pods',
    'misplaced_pods',
    'misplaced_oldest_age_seconds',
  ];
  const samples = async (): Promise<readonly string[]> =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => names.some((name) => line.startsWith(`archpolicy_${name} `)));
  const standby = await samples();
  let progress: EvaluationProgress = { completedAtMs: undefined, pending: 7 };
  metrics.watchProgress({
    get completedAtMs() {
      return progress.completedAtMs;
    },
    get pending() {
      return progress.pending;
    },
  });
  metrics.watchPods({ misplaced: 3, oldestMisplacedMs: 90_000, notEvicted: () => 0 });
  const first = await samples();
  progress = { completedAtMs: 1_767_225_600_000, pending: 0 };
  const ages = ['archpolicy_misplaced_pods 3', 'archpolicy_misplaced_oldest_age_seconds 90'];
  expect([standby, first, await samples()].map((lines) => lines.toSorted())).toEqual([
    ['archpolicy_misplaced_oldest_age_seconds 0', 'archpolicy_misplaced_pods 0', 'archpolicy_recheck_pending_pods 0'],
    [...ages.toReversed(), 'archpolicy_recheck_pending_pods 7'].toSorted(),
    [...ages, 'archpolicy_last_recheck_timestamp_seconds 1767225600', 'archpolicy_recheck_pending_pods 0'].toSorted(),
  ]);
});
