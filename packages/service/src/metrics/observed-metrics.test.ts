import { expect, test } from '@jest/globals';
import { declareApiMetrics } from './api-requests.ts';
import { createRegistry, observedGauge } from './enum-metrics.ts';
import { declareLeaseMetrics } from './leases.ts';
import { declareReflectorMetrics } from './reflector.ts';

let nowMs = 0;
const clock = { monotonic: () => nowMs };

async function series(registry: ReturnType<typeof createRegistry>, name: string): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
}

test('a gauge without a value has no sample', async () => {
  const registry = createRegistry();
  let value: number | undefined;
  observedGauge({ registry, name: 'archpolicy_test', help: 'h', read: () => value });
  const read = () => series(registry, 'archpolicy_test');
  const before = await read();
  value = 3;
  const then = await read();
  value = undefined;
  expect([before, then, await read()]).toEqual([[], ['archpolicy_test 3'], []]);
});

test('the age of a resource counts from its last update, or from the start if it was never listed', async () => {
  nowMs = 10_000;
  const registry = createRegistry();
  const observe = declareReflectorMetrics(registry, clock);
  observe('nodes', { objects: 5, updatedAtMs: 25_000 });
  observe('pods', { objects: 0, updatedAtMs: undefined });
  nowMs = 40_000;
  expect(await series(registry, 'archpolicy_reflector_age_seconds')).toEqual([
    'archpolicy_reflector_age_seconds{resource="nodes"} 15',
    'archpolicy_reflector_age_seconds{resource="pods"} 30',
  ]);
  expect(await series(registry, 'archpolicy_reflector_objects')).toContain(
    'archpolicy_reflector_objects{resource="nodes"} 5',
  );
});

test('a Lease that was not read yet has no age', async () => {
  const registry = createRegistry();
  declareLeaseMetrics(registry, { operator: () => ({ ageMs: 1_500, transitions: 4 }), webhook: () => undefined });
  expect(await series(registry, 'archpolicy_lease_')).toEqual([
    'archpolicy_lease_age_seconds{lease="operator"} 1.5',
    'archpolicy_lease_transitions{lease="operator"} 4',
  ]);
});

test('requests to the API server are counted by verb, resource and code, and waiting ones by pool', async () => {
  const registry = createRegistry();
  const count = declareApiMetrics(registry, () => ({ calls: 7, leases: 0 }));
  count({ verb: 'create', resource: 'pods/eviction', code: '429', tookMs: 2_000 });
  const lines = await series(registry, 'archpolicy_kube_');
  expect(lines).toContain('archpolicy_kube_requests_total{verb="create",resource="pods/eviction",code="429"} 1');
  expect(lines).toContain(
    'archpolicy_kube_request_duration_seconds_bucket{le="2.5",verb="create",resource="pods/eviction"} 1',
  );
  expect(lines).toContain('archpolicy_kube_requests_waiting{pool="calls"} 7');
});
