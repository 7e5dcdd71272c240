import { expect, test } from '@jest/globals';
import { createRegistry } from './enum-metrics.ts';
import { declareRegistryHealth } from './registry-health.ts';

test('K7 without Redis and without a registries file their gauges have no sample; with them, they are read at the scrape', async () => {
  const registry = createRegistry();
  const health = declareRegistryHealth(registry);
  const gauges = async (): Promise<readonly string[]> =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => /^archpolicy_(?:redis_up|.*_open|.*_timestamp)/u.test(line));
  const before = await gauges();
  let isUp = true;
  health.watchRedis(() => isUp);
  health.watchCircuits(() => new Map([['registry.corp.example', 1]]));
  health.registriesFileValid(1_500);
  const up = await gauges();
  isUp = false;
  expect([before, up, (await gauges()).filter((line) => line.includes('redis'))]).toEqual([
    [],
    [
      'archpolicy_registry_circuits_open{host="registry.corp.example"} 1',
      'archpolicy_redis_up 1',
      'archpolicy_registries_file_last_success_timestamp_seconds 1.5',
    ],
    ['archpolicy_redis_up 0'],
  ]);
});

test('I11 over 100 hosts, the durations of further hosts count as `other`', async () => {
  const registry = createRegistry();
  const { requestTook } = declareRegistryHealth(registry);
  for (let host = 0; host < 1_000; host += 1) requestTook(`${host}.example`, 20);
  const counts = (await registry.metrics())
    .split('\n')
    .filter((line) => line.includes('request_duration_seconds_count{'));
  expect(counts).toHaveLength(100);
  expect(counts).toContain('archpolicy_registry_request_duration_seconds_count{host="other"} 901');
});
