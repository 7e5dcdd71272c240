import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { declareBuildInfo } from './build-info.ts';
import { createRegistry } from './enum-metrics.ts';
import { declareInspectionMetrics } from './inspection.ts';
import { declarePullSecretMetrics } from './pull-secrets.ts';
import { declareReflectorMetrics } from './reflector.ts';

const page = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

test('docs/operations.md lists every metric of both processes', async () => {
  const registry = createRegistry();
  declareBuildInfo(registry, { version: '1.2.3', commit: 'unknown' });
  declareInspectionMetrics(registry);
  declarePullSecretMetrics(registry);
  declareReflectorMetrics(registry);
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
