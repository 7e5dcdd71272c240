import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { node } from '../eviction/fixtures/objects.ts';
import type { JsonObject } from '../json/json.ts';
import { readPodSpec } from '../kubernetes/pod-spec.ts';
import { parseInspection } from '../placement/fixtures/row.ts';
import type { ImageKnowledge } from './image-knowledge.ts';
import { declaredOs, podOs } from './operating-system.ts';

const OS = 'kubernetes.io/os';
const images = (platforms: string): readonly ImageKnowledge[] => [
  { image: 'a', inspection: parseInspection(platforms) },
];
const terms = (...all: readonly (readonly [string, string, ...string[]])[]): JsonObject => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: all.map(([key, operator, ...values]) => ({
          matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
        })),
      },
    },
  },
});

describe('the operating system of a pod', () => {
  test.each<[string, JsonObject, string | undefined]>([
    ['nothing', {}, undefined],
    ['the field', { os: { name: 'windows' } }, 'windows'],
    ['the field overrides the selector', { os: { name: 'linux' }, nodeSelector: { [OS]: 'windows' } }, 'linux'],
    ['the selector', { nodeSelector: { [OS]: 'windows' } }, 'windows'],
    ['the selector by the deprecated label', { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }, 'windows'],
    ['an unknown operating system', { nodeSelector: { [OS]: 'freebsd' } }, 'freebsd'],
    ['In', terms([OS, 'In', 'windows']), 'windows'],
    ['In of two', terms([OS, 'In', 'windows', 'linux']), undefined],
    ['NotIn', terms([OS, 'NotIn', 'windows']), 'linux'],
    ['Exists', terms([OS, 'Exists']), undefined],
    ['the same in each alternative', terms([OS, 'In', 'windows'], [OS, 'In', 'windows']), 'windows'],
    ['one in an alternative, two in another', terms([OS, 'In', 'linux'], [OS, 'In', 'linux', 'windows']), undefined],
    [
      'NotIn of others in each alternative',
      terms([OS, 'NotIn', 'windows', 'a'], [OS, 'NotIn', 'windows', 'b']),
      'linux',
    ],
    ['an alternative without an operating system', terms([OS, 'In', 'windows'], ['zone', 'Exists']), undefined],
    ['terms that the selector narrows', { nodeSelector: { [OS]: 'linux' }, ...terms([OS, 'Exists']) }, 'linux'],
    ['no term that can match', terms(), undefined],
    [
      'a term beside an empty one, which matches no node',
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: OS, operator: 'In', values: ['windows'] }] }, {}],
            },
          },
        },
      },
      'windows',
    ],
  ])('PL4 %s', (_, spec, expected) => {
    expect(declaredOs(readPodSpec({ spec }))).toBe(expected);
  });
});

test('PL4 nodes are searched only for images that offer an operating system beside Linux', () => {
  const unread = new Proxy([node()], {
    get: () => {
      throw new Error('the nodes were read');
    },
  });
  const pod = readPodSpec({ spec: { nodeSelector: { pool: 'a' } } });
  expect(podOs(pod, images('linux/amd64 linux/arm64 wasip1/wasm'), unread)).toEqual({ kind: 'assumed', name: 'linux' });
});

test('PL4 over generated nodes and selectors: Linux if a Linux node matches or no node does, else the only operating system', () => {
  const one = fc.record({ os: fc.constantFrom('linux', 'windows', 'freebsd'), pool: fc.constantFrom('a', 'b') });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 4 }), fc.constantFrom('a', 'b', undefined), (nodes, pool) => {
      const matching = new Set(nodes.filter((each) => pool === undefined || each.pool === pool).map(({ os }) => os));
      const [only = 'linux'] = matching;
      const expected =
        matching.has('linux') || matching.size === 0
          ? { kind: 'assumed', name: 'linux' }
          : matching.size === 1
            ? { kind: 'assumed', name: only }
            : { kind: 'open' };
      const facts = nodes.map(({ os, pool: label }) => node({ os, labels: { pool: label } }));
      const spec = pool === undefined ? {} : { nodeSelector: { pool } };
      expect(podOs(readPodSpec({ spec }), images('linux/amd64 windows/amd64'), facts)).toEqual(expected);
    }),
  );
});
