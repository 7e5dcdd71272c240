import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { node } from '../eviction/fixtures/objects.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import type { NodeSelectorOperator } from '../kubernetes/node-selector.ts';
import { hasRoom, sumRequests } from '../kubernetes/requests.ts';
import type { ResourceAmounts } from '../kubernetes/requests.ts';
import { feasibleNodes } from './feasible-nodes.ts';
import type { SchedulingDemand } from './feasible-nodes.ts';
import { fitsMorePods } from './fits-more-pods.ts';

const taint = { key: 'team', value: 'a', effect: 'NoSchedule' } as const;
const labels = (changes: NodeFacts['labels']): Partial<NodeFacts> => ({ labels: { ...node().labels, ...changes } });

describe('a change of a node after which more pods may fit on it', () => {
  test.each<[string, Partial<NodeFacts>, Partial<NodeFacts>, boolean]>([
    ['no change', {}, {}, false],
    ['ready again', { ready: false }, {}, true],
    ['no longer ready', {}, { ready: false }, false],
    ['uncordoned', { cordoned: true }, {}, true],
    ['cordoned', {}, { cordoned: true }, false],
    ['ready, but cordoned', { ready: false, cordoned: true }, { cordoned: true }, false],
    ['uncordoned, but not ready', { ready: false, cordoned: true }, { ready: false }, false],
    ['a taint removed', { taints: [taint] }, {}, true],
    ['a taint removed from a node that is not ready', { taints: [taint], ready: false }, { ready: false }, false],
    ['a taint added', {}, { taints: [taint] }, false],
    ['the same taint', { taints: [taint] }, { taints: [taint] }, false],
    ['another key of a taint', { taints: [taint] }, { taints: [{ ...taint, key: 'b' }] }, true],
    ['another value of a taint', { taints: [taint] }, { taints: [{ ...taint, value: 'b' }] }, true],
    ['another effect of a taint', { taints: [taint] }, { taints: [{ ...taint, effect: 'NoExecute' }] }, true],
    ['a taint removed that excludes no pod', { taints: [{ ...taint, effect: 'PreferNoSchedule' }] }, {}, false],
    [
      'taints in another order',
      { taints: [taint, { ...taint, key: 'b' }] },
      { taints: [{ ...taint, key: 'b' }, taint] },
      false,
    ],
    ['a label added', {}, labels({ zone: 'a' }), true],
    ['a label changed', labels({ zone: 'a' }), labels({ zone: 'b' }), true],
    ['a label removed', labels({ zone: 'a' }), {}, true],
    ['a label replaced by another', labels({ zone: 'a' }), labels({ rack: 'a' }), true],
    ['the architecture reported', { architecture: '', labels: node().labels }, {}, true],
    ['the OS reported', { os: '', labels: node().labels }, {}, true],
    ['more of a resource', { allocatable: { cpu: 4_000 } }, { allocatable: { cpu: 4_001 } }, true],
    ['less of a resource', { allocatable: { cpu: 4_000 } }, { allocatable: { cpu: 3_999 } }, false],
    ['a new resource', { allocatable: { cpu: 4_000 } }, { allocatable: { cpu: 4_000, 'nvidia.com/gpu': 1_000 } }, true],
    [
      'a new resource of which there is none',
      { allocatable: { cpu: 1 } },
      { allocatable: { cpu: 1, 'nvidia.com/gpu': 0 } },
      false,
    ],
    [
      'a resource named as a property of objects',
      { allocatable: { cpu: 1 } },
      { allocatable: { cpu: 1, constructor: 1 } },
      true,
    ],
    ['a resource gone', { allocatable: { cpu: 1, 'nvidia.com/gpu': 1 } }, { allocatable: { cpu: 1 } }, false],
    ['the limit of pods gone', { allocatable: { cpu: 1, pods: 110_000 } }, { allocatable: { cpu: 1 } }, true],
    ['the resources reported', {}, { allocatable: { cpu: 4_000 } }, false],
    ['the resources unknown', { allocatable: { cpu: 4_000 } }, {}, true],
  ])('R4 R9 %s', (_, before, after, expected) => {
    expect(fitsMorePods(node(before), node(after))).toBe(expected);
  });

  test.each<[string, Partial<NodeFacts>, boolean]>([
    ['ready', {}, true],
    ['not ready yet', { ready: false }, false],
    ['cordoned', { cordoned: true }, false],
    ['with a taint', { taints: [taint] }, true],
  ])('R4 R9 a new node, %s', (_, changes, expected) => {
    expect(fitsMorePods(undefined, node(changes))).toBe(expected);
  });
});

describe('a change of a node after which no more pods fit on it', () => {
  const random = seededRandom(1);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const maybe = (): boolean => random() < 0.5;
  const some = <T>(values: readonly T[]): readonly T[] => values.filter(maybe);

  const TAINTS = ['NoSchedule', 'NoExecute', 'PreferNoSchedule'].flatMap((effect) =>
    ['a', 'b'].map((value) => ({ key: 'team', value, effect }) as NodeFacts['taints'][number]),
  );
  const OPERATORS: readonly NodeSelectorOperator[] = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

  const amounts = (names: readonly string[]): ResourceAmounts =>
    Object.fromEntries(some(names).map((name) => [name, pick([0, 1, 1_000, 2_000])]));

  const anyNode = (): NodeFacts =>
    node({
      ready: random() < 0.8,
      cordoned: random() < 0.2,
      architecture: pick(['amd64', 'arm64', '']),
      os: pick(['linux', 'windows']),
      labels: Object.fromEntries(
        some(['kubernetes.io/arch', 'zone']).map((key) => [key, pick(['amd64', 'arm64', '1', '2'])]),
      ),
      taints: random() < 0.5 ? [] : [pick(TAINTS), pick(TAINTS)],
      ...(maybe() && { allocatable: amounts(['cpu', 'pods', 'gpu']) }),
    });

  /** Changes some properties of the node, so that most are the same. */
  const changed = (before: NodeFacts): NodeFacts => {
    const other = anyNode();
    const { allocatable, ...rest } = before;
    const resources = random() < 0.7 ? allocatable : other.allocatable;
    const others = (['ready', 'cordoned', 'architecture', 'os', 'labels', 'taints'] as const).filter(
      () => random() < 0.2,
    );
    return {
      ...rest,
      ...Object.fromEntries(others.map((name) => [name, other[name]])),
      ...(resources !== undefined && { allocatable: resources }),
    };
  };

  const anyDemand = (): SchedulingDemand => ({
    ...(maybe() && { os: 'linux' }),
    nodeSelector: random() < 0.3 ? { zone: pick(['1', '2']) } : {},
    ...(maybe() && {
      requiredAffinity: {
        nodeSelectorTerms: [
          {
            matchExpressions: [{ key: 'zone', operator: pick(OPERATORS), values: [pick(['1', '2'])] }],
            matchFields: [],
          },
        ],
      },
    }),
    tolerations: some([
      { key: 'team', operator: 'Equal', value: 'a' },
      { operator: 'Exists', effect: 'NoExecute' },
    ]),
  });

  test('R4 R9 no pod fits on the node that did not fit before', () => {
    const seen = { unchanged: 0, fitsMore: 0, feasible: 0 };
    for (let run = 0; run < 30_000; run += 1) {
      const before = anyNode();
      const after = changed(before);
      const [demand, requests, others] = [anyDemand(), amounts(['cpu', 'gpu']), some([amounts(['cpu']), {}])];
      const fits = (one: NodeFacts): boolean =>
        feasibleNodes(demand, [one]).length > 0 && hasRoom(requests, one.allocatable, sumRequests(others));
      if (fits(after)) seen.feasible += 1;
      if (fitsMorePods(before, after)) {
        seen.fitsMore += 1;
        continue;
      }
      seen.unchanged += 1;
      if (fits(after) && !fits(before))
        throw new Error(JSON.stringify({ run, before, after, demand, requests, others }));
    }
    // The cases are worthless if they are all of one kind.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(1_000);
  });
});
