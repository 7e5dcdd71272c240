import { expect, test } from '@jest/globals';
import { createRegistry } from '@archpolicy/service';
import { declareControllerMetrics } from './controller-metrics.ts';

test('the gauges of all queues exist before their controllers run, and are read at each scrape', async () => {
  const registry = createRegistry();
  const metrics = declareControllerMetrics(registry);
  const series = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => /^archpolicy_queue_.*"gate"/u.test(line));
  expect((await series()).map((line) => line.split(' ')[1])).toEqual(['0', '0', '0']);
  const queue = { length: 3, delayed: 5, oldestReadyMs: 1_500 };
  metrics.watchQueue('gate', queue);
  queue.length = 4;
  expect(await series()).toEqual([
    'archpolicy_queue_depth{controller="gate"} 4',
    'archpolicy_queue_delayed{controller="gate"} 5',
    'archpolicy_queue_oldest_age_seconds{controller="gate"} 1.5',
  ]);
});
