import { expect, test } from '@jest/globals';
import { createRegistry } from './enum-metrics.ts';
import { hostCounter } from './host-metrics.ts';

test('I11 failures are counted by host and cause, and `other` has all causes from the start', async () => {
  const registry = createRegistry();
  const counter = hostCounter({ registry, name: 'archpolicy_test_total', help: 'h', causes: ['dns', 'tls'] });
  counter.inc({ host: '*.corp.example', cause: 'tls' });
  const text = await registry.metrics();
  expect(text).toContain('archpolicy_test_total{host="*.corp.example",cause="tls"} 1');
  expect(text).toContain('archpolicy_test_total{host="other",cause="dns"} 0');
});

test('I11 over 500 hosts, further hosts count as `other`', async () => {
  const registry = createRegistry();
  const counter = hostCounter({ registry, name: 'archpolicy_test_total', help: 'h', causes: ['dns'] });
  for (let host = 0; host < 10_000; host += 1) counter.inc({ host: `${host}.example`, cause: 'dns' });
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('archpolicy_test_total{'));
  expect(lines).toHaveLength(500);
  expect(lines).toContain('archpolicy_test_total{host="other",cause="dns"} 9501');
});
