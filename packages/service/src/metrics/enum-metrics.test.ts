import { describe, expect, test } from '@jest/globals';
import {
  enumCounter,
  enumGauge,
  enumHistogram,
  collectProcessMetrics,
  createRegistry,
  observedGauge,
} from './enum-metrics.ts';

describe('metrics', () => {
  test('a counter shows every combination of its closed sets from the start', async () => {
    const registry = createRegistry();
    const labels = { outcome: ['hit', 'miss'], tier: ['memory', 'redis'] } as const;
    const counter = enumCounter({ registry, name: 'archpolicy_lookups_total', help: 'Lookups.', labels });
    counter.inc({ outcome: 'hit', tier: 'memory' }, 2);
    const text = await registry.metrics();
    expect(text).toContain('archpolicy_lookups_total{outcome="hit",tier="memory"} 2');
    expect(text).toContain('archpolicy_lookups_total{outcome="miss",tier="redis"} 0');
  });

  test('a counter without labels starts at 0', async () => {
    const registry = createRegistry();
    enumCounter({ registry, name: 'archpolicy_things_total', help: 'Things.', labels: {} });
    expect(await registry.metrics()).toContain('archpolicy_things_total 0');
  });

  test('a gauge, an observed gauge and a histogram', async () => {
    const registry = createRegistry();
    enumGauge({ registry, name: 'archpolicy_a', help: 'A.', labels: { kind: ['x'] } }).set({ kind: 'x' }, 3);
    let now = 7;
    observedGauge({ registry, name: 'archpolicy_b', help: 'B.', read: () => now });
    now = 8;
    const buckets = [0.1, 1];
    enumHistogram({ registry, name: 'archpolicy_c_seconds', help: 'C.', labels: {}, buckets }).observe({}, 0.5);
    const text = await registry.metrics();
    expect(text).toContain('archpolicy_a{kind="x"} 3');
    expect(text).toContain('archpolicy_b 8');
    expect(text).toContain('archpolicy_c_seconds_bucket{le="1"} 1');
    expect(text).toContain('archpolicy_c_seconds_bucket{le="0.1"} 0');
  });

  test('two registries in one process are independent', () => {
    const declare = () =>
      enumCounter({ registry: createRegistry(), name: 'archpolicy_x_total', help: 'X.', labels: {} });
    declare();
    expect(declare).not.toThrow();
  });

  test('process metrics include memory and the delay of the event loop', async () => {
    const registry = createRegistry();
    collectProcessMetrics(registry);
    const text = await registry.metrics();
    expect(text).toContain('nodejs_eventloop_lag_max_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });
});
