import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createRegistry } from '@archpolicy/service';
import { declareKeepWarmMetrics } from '../keep-warm/metrics.ts';
import { declareMetrics } from '../metrics.ts';
import { DEGRADED_REASONS } from './degradations.ts';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

test.each(DEGRADED_REASONS)('docs/operations.md explains the Degraded reason %s', (reason) => {
  expect(page).toContain(`\`${reason}\``);
});

test('docs/operations.md lists every metric of the operator', async () => {
  const registry = createRegistry();
  declareMetrics(registry);
  declareKeepWarmMetrics(registry);
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
