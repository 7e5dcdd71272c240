import { expect, test } from '@jest/globals';
import { node } from '../eviction/fixtures/objects.ts';
import type { JsonObject } from '../json/json.ts';
import { buildPolicy } from '../placement/fixtures/row.ts';
import { taintedArchitectures } from './tainted-architectures.ts';

const nodes = ['s390x', 'arm64', 'graviton', 'arm64'].map((value) =>
  node({ taints: [{ key: 'kubernetes.io/arch', value, effect: 'NoSchedule' }] }),
);

test.each<[string, JsonObject, readonly string[]]>([
  ['the taints of nodes', {}, ['arm64', 's390x']],
  ['scaleFromZero as well', { scaleFromZero: ['riscv64', 'amd64'] }, ['amd64', 'arm64', 'riscv64', 's390x']],
])('PL8 the tainted architectures are sorted, each once: %s', (_, spec, expected) => {
  expect(taintedArchitectures(nodes, buildPolicy(spec))).toEqual(expected);
});
