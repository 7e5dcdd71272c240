import { describe, expect, test } from '@jest/globals';
import { isRelaxedAt, MAX_RELAXED, RELAXED_FOR_MS } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus, StuckWorkload } from '@archpolicy/core';
import { policy } from '../../fixtures/objects.ts';
import { Relaxations } from './relaxations.ts';

type Entry = NonNullable<ArchPolicyStatus['relaxed']>[number];

const NOW = Date.UTC(2026, 0, 1, 12);
const HOUR = RELAXED_FOR_MS;
const DAY = 24 * HOUR;
const AT_NOON = '2026-01-01T12:00:00Z';
const AT_ONE = '2026-01-01T13:00:00Z';
/** One whose status is empty. */
const DEFAULT = policy({});
const stored = (relaxed: readonly Entry[]): ArchPolicy =>
  policy({}, 'default', { status: { relaxed: relaxed.map((entry) => ({ ...entry })) } });
const stuck = (namespace: string, name: string | number, architecture = 'arm64'): StuckWorkload => ({
  workload: `${namespace}/Deployment/${name}`,
  architecture,
});

/** Relaxes so many workloads of a namespace. */
function relaxMany(relaxations: Relaxations, namespace: string, count: number, architecture?: string): void {
  for (let index = 0; index < count; index += 1) {
    relaxations.relax(DEFAULT, stuck(namespace, index, architecture), NOW);
  }
}

/** The entries: a workload by its name, else the scope and what it is about. */
const summary = (entries: readonly Entry[]): readonly string[] =>
  entries.map(({ scope, owner, namespace, architecture }) =>
    [scope, owner, namespace, scope && architecture].filter((text) => text !== undefined).join(' '),
  );

test('R9 what was asked for is in the status, and what a predecessor wrote, until a day after its time is over', () => {
  const relaxations = new Relaxations();
  const before = stored([
    { owner: 'shop/Deployment/old', until: '2026-01-01T12:30:00Z' },
    { owner: 'shop/Deployment/over', since: '2025-12-31T11:00:00Z', until: '2025-12-31T12:00:00Z' },
  ]);
  relaxations.relax(before, stuck('shop', 'new'), NOW);
  const both = [
    { owner: 'shop/Deployment/new', architecture: 'arm64', since: AT_NOON, until: AT_ONE },
    { owner: 'shop/Deployment/old', until: '2026-01-01T12:30:00Z' },
  ];
  expect(relaxations.of(before, NOW)).toEqual(both);
  // Our own write has come back.
  expect(relaxations.of(stored(both), NOW + 1)).toEqual(both);
  expect(relaxations.of(stored(both), NOW + DAY)).toEqual(both);
  expect(relaxations.of(stored(both), NOW + DAY + HOUR / 2)).toEqual(both.slice(0, 1));
  expect(relaxations.of(stored(both), NOW + DAY + HOUR)).toEqual([]);
  expect(new Relaxations().of(policy({}), NOW)).toEqual([]);
});

test('R9 another policy is not concerned, nor one that was made again', () => {
  const relaxations = new Relaxations();
  relaxations.relax(policy({}, 'another'), stuck('shop', 'web'), NOW);
  expect(relaxations.of(policy({}), NOW)).toEqual([]);
  relaxations.forget('another');
  expect(relaxations.of(policy({}, 'another'), NOW)).toEqual([]);
});

describe('R9 a full list is shared by namespaces', () => {
  /** How many entries each namespace has. */
  const byNamespace = (entries: readonly Entry[]): Readonly<Record<string, number>> => {
    const groups = Map.groupBy(entries, ({ owner = '' }) => owner.slice(0, owner.indexOf('/')));
    return Object.fromEntries([...groups].map(([namespace, { length }]) => [namespace, length]));
  };
  const written = (namespace: string, count: number): readonly Entry[] =>
    Array.from({ length: count }, (_, index) => ({ owner: `${namespace}/Pod/${index}`, until: AT_ONE }));
  /** Asks for workloads that are stuck on no single architecture: they are never one entry. */
  const ask = (relaxations: Relaxations, namespace: string, count: number): void => {
    for (let index = 0; index < count; index += 1)
      relaxations.relax(DEFAULT, { workload: `${namespace}/Pod/${index}` }, NOW);
  };

  // prettier-ignore
  test.each<[string, readonly Entry[], readonly (readonly [string, number])[], Readonly<Record<string, number>>]>([
    ['240 of one, then one of another', [], [['tenant', 240], ['victim', 1]], { tenant: 199, victim: 1 }],
    ['one, then 240 of another', [], [['victim', 1], ['tenant', 240]], { tenant: 199, victim: 1 }],
    ['the status is full of one', written('tenant', 200), [['victim', 3]], { tenant: 197, victim: 3 }],
    ['the status is full of one, which asks for more', written('tenant', 200), [['tenant', 240], ['victim', 1]], { tenant: 199, victim: 1 }],
    ['two with many', written('tenant', 200), [['other', 240], ['victim', 5]], { tenant: 98, other: 97, victim: 5 }],
    ['one with many, alone', [], [['tenant', 240]], { tenant: 200 }],
  ])('%s', (_, before, asked, expected) => {
    const relaxations = new Relaxations();
    for (const [namespace, count] of asked) ask(relaxations, namespace, count);
    const entries = relaxations.of(stored(before), NOW);
    expect(byNamespace(entries)).toEqual(expected);
    // What was written stays: the next status is the same.
    expect(relaxations.of(stored(entries), NOW + 1)).toEqual(entries);
  });

  test('its entries stay while each namespace has one', () => {
    const relaxations = new Relaxations();
    const full = Array.from({ length: MAX_RELAXED }, (_, index) => written(`old-${index}`, 1)).flat();
    for (let index = 0; index < 1_000; index += 1) ask(relaxations, `new-${index}`, 1);
    expect(byNamespace(relaxations.of(stored(full), NOW))).toEqual(byNamespace(full));
  });

  test('an entry for a namespace comes before those of its workloads', () => {
    const relaxations = new Relaxations();
    const shop = [...written('shop', 190), ...written('tenant', 10)];
    relaxMany(relaxations, 'shop', 11);
    expect(summary(relaxations.of(stored(shop), NOW))).toContain('Namespace shop arm64');
  });

  test('a request that gave way to another namespace has had no relief: the next one is for an hour', () => {
    const relaxations = new Relaxations();
    ask(relaxations, 'tenant', MAX_RELAXED);
    ask(relaxations, 'victim', 1);
    const last = { workload: `tenant/Pod/${MAX_RELAXED - 1}` };
    relaxations.of(policy({}), NOW + HOUR);
    relaxations.relax(DEFAULT, last, NOW + HOUR);
    expect(relaxations.of(policy({}), NOW + HOUR)).toEqual([
      { owner: last.workload, since: AT_ONE, until: '2026-01-01T14:00:00Z' },
    ]);
  });
});

describe('R9 many workloads that are stuck on one architecture are one entry', () => {
  const toEntries = (
    relaxMore: (relaxations: Relaxations) => void,
    before: readonly Entry[] = [],
  ): readonly string[] => {
    const relaxations = new Relaxations();
    relaxMore(relaxations);
    return summary(relaxations.of(stored(before), NOW));
  };

  const many =
    (namespace: string, count: number) =>
    (all: Relaxations): void => {
      relaxMany(all, namespace, count);
    };

  test('ten of a namespace are ten entries, eleven are one', () => {
    expect(toEntries(many('shop', 10))).toHaveLength(10);
    expect(toEntries(many('shop', 11))).toEqual(['Namespace shop arm64']);
  });

  test('two hundred of one tenant do not keep others out, nor relax them', () => {
    expect(toEntries(many('tenant', 200))).toEqual(['Namespace tenant arm64']);
    const before = { scope: 'Namespace', namespace: 'tenant', architecture: 'arm64', until: AT_ONE };
    expect(toEntries(many('shop', 1), [before])).toEqual(['shop/Deployment/0', 'Namespace tenant arm64']);
  });

  test('of two architectures they are counted each by itself', () => {
    const entries = toEntries((all) => {
      relaxMany(all, 'shop', 6, 'arm64');
      for (let index = 10; index < 16; index += 1) all.relax(DEFAULT, stuck('shop', index, 'amd64'), NOW);
    });
    expect(entries).toHaveLength(12);
  });

  test.each<[string, readonly (readonly [string, number])[], boolean]>([
    [
      'seven of each of three namespaces',
      [
        ['a', 7],
        ['b', 7],
        ['c', 7],
      ],
      true,
    ],
    ['one of each of 21 namespaces', Array.from({ length: 21 }, (_, index) => [`n${index}`, 1] as const), true],
    ['one of each of 20 namespaces', Array.from({ length: 20 }, (_, index) => [`n${index}`, 1] as const), false],
    [
      'a hundred of one namespace, and six of another two',
      [
        ['a', 100],
        ['b', 6],
        ['c', 6],
      ],
      false,
    ],
    [
      'many of two namespaces',
      [
        ['a', 60],
        ['b', 60],
      ],
      false,
    ],
    [
      'many of three namespaces',
      [
        ['a', 60],
        ['b', 60],
        ['c', 60],
      ],
      true,
    ],
  ])('the architecture as a whole: %s', (_, namespaces, expected) => {
    const entries = toEntries((all) => {
      for (const [namespace, count] of namespaces) relaxMany(all, namespace, count);
    });
    expect(entries.includes('Architecture arm64')).toBe(expected);
    if (expected) expect(entries).toEqual(['Architecture arm64']);
  });

  test('what an entry of the status covers is not asked for again, and it holds for pods of other workloads', () => {
    const relaxations = new Relaxations();
    relaxMany(relaxations, 'shop', 11);
    const written = relaxations.of(policy({}), NOW);
    expect(relaxations.of(stored(written), NOW + 1)).toEqual(written);
    const web = { namespace: 'shop', workload: 'shop/Deployment/web' };
    expect([isRelaxedAt(written, web, NOW, 'arm64'), isRelaxedAt(written, web, NOW, 'amd64')]).toEqual([true, false]);
    expect(isRelaxedAt(written, { namespace: 'other', workload: 'other/Deployment/web' }, NOW, 'arm64')).toBe(false);
  });
});

describe('what an operator that is late, or whose clock was wrong, cannot do', () => {
  test('R9 an evaluation that read an older status does not double a relaxation that applies', () => {
    const entry = { owner: 'shop/Deployment/web', architecture: 'arm64', since: AT_NOON, until: AT_ONE };
    const relaxations = new Relaxations();
    relaxations.relax(stored([entry]), stuck('shop', 'web'), NOW + 1_000);
    expect(relaxations.of(stored([entry]), NOW + 1_000)).toEqual([entry]);
  });

  test('R9 an entry with an end that no relaxation of this time can have is dropped', () => {
    const since = '2027-01-01T12:00:00Z';
    const relaxed = [
      { scope: 'Architecture', architecture: 'arm64', since, until: '2027-01-01T13:00:00Z' },
      { owner: 'shop/Deployment/day', since: AT_NOON, until: '2026-01-02T12:00:00Z' },
    ];
    const relaxations = new Relaxations();
    expect(summary(relaxations.of(stored(relaxed), NOW))).toEqual(['shop/Deployment/day']);
    relaxations.relax(stored(relaxed), stuck('shop', 'web'), NOW);
    const web = relaxations.of(stored(relaxed), NOW).find(({ owner }) => owner === 'shop/Deployment/web');
    expect(web?.until).toBe(AT_ONE);
  });
});

test('R9 a tenant whose workload is stuck permanently does not extend the relaxation of an architecture for all others', () => {
  const before = stored([
    { owner: 'tenant/Deployment/0', architecture: 'arm64', since: '2025-12-31T12:00:00Z', until: AT_NOON },
  ]);
  const relaxations = new Relaxations();
  for (const namespace of ['tenant', 'shop', 'blog', 'wiki'])
    for (let index = 0; index < 7; index += 1) relaxations.relax(before, stuck(namespace, index), NOW);
  const expected = [
    { scope: 'Architecture', architecture: 'arm64', since: AT_NOON, until: AT_ONE },
    { owner: 'tenant/Deployment/0', architecture: 'arm64', since: AT_NOON, until: '2026-01-02T12:00:00Z' },
  ];
  const entries = relaxations.of(before, NOW);
  expect(entries).toEqual(expected);
  expect(relaxations.of(stored(entries), NOW + 1)).toEqual(expected);
  expect(new Relaxations().of(stored(entries), NOW + 2 * HOUR)).toHaveLength(2);
});
