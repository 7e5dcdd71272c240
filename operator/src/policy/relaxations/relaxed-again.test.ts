import { describe, expect, test } from '@jest/globals';
import { MAX_RELAXED, parseArchPolicy, RELAXED_FOR_MS } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus, StuckWorkload } from '@archpolicy/core';
import { policy } from '../../fixtures/objects.ts';
import { Relaxations } from './relaxations.ts';

type Entry = NonNullable<ArchPolicyStatus['relaxed']>[number];

const NOW = Date.UTC(2026, 0, 1, 12);
const HOUR = RELAXED_FOR_MS;
const AT_NOON = '2026-01-01T12:00:00Z';
const AT_ONE = '2026-01-01T13:00:00Z';
/** One whose status is empty. */
const DEFAULT = policy({});
const stored = (relaxed: readonly Entry[]): ArchPolicy =>
  policy({}, 'default', { status: { relaxed: relaxed.map((entry) => ({ ...entry })) } });
const stuck = (namespace: string, name: string | number): StuckWorkload => ({
  workload: `${namespace}/Deployment/${name}`,
  architecture: 'arm64',
});

describe('R9 a workload that is stuck again within a day', () => {
  const WEB = stuck('shop', 'web');

  /**
   * Returns for how many hours it is relaxed when it is unschedulable again at these numbers of hours after the end of the previous
   * relaxation. Each relaxation is by a new process, which reads the status.
   */
  function lengths(...pauses: readonly number[]): readonly number[] {
    let now = NOW;
    let status: readonly Entry[] = [];
    return pauses.map((pause) => {
      now += pause * HOUR;
      const relaxations = new Relaxations();
      relaxations.relax(stored(status), WEB, now);
      status = relaxations.of(stored(status), now);
      const [entry, ...others] = status;
      expect(others).toEqual([]);
      const untilMs = Date.parse(entry?.until ?? '');
      const hours = (untilMs - now) / HOUR;
      now = untilMs;
      return hours;
    });
  }

  test('is relaxed for twice as long, up to a day, whichever process relaxes it', () => {
    expect(lengths(0, 0, 1, 23, 2, 0, 0)).toEqual([1, 2, 4, 8, 16, 24, 24]);
  });

  test('a day after its relief it is an hour again', () => {
    expect(lengths(0, 0, 24, 0)).toEqual([1, 2, 1, 2]);
  });

  /** For how many hours it is relaxed, an hour after this entry was over. */
  function lengthAfter(entry: Entry): number {
    const relaxations = new Relaxations();
    const before = stored([entry]);
    relaxations.relax(before, WEB, NOW + 2 * HOUR);
    const own = relaxations.of(before, NOW + 2 * HOUR).find(({ owner }) => owner === WEB.workload);
    return (Date.parse(own?.until ?? '') - NOW) / HOUR - 2;
  }
  const ten = '2026-01-01T10:00:00Z';

  // prettier-ignore
  test.each<[string, Entry, number, string]>([
    ['its own', { owner: WEB.workload, architecture: 'arm64', since: ten, until: AT_ONE }, 6, 'that was for three hours'],
    ['its own, on another architecture', { owner: WEB.workload, architecture: 'amd64', since: ten, until: AT_ONE }, 6, 'an entry of a workload is about every preference'],
    ['its own, of a version that did not write the beginning', { owner: WEB.workload, until: AT_ONE }, 2, 'that counts as an hour'],
    ['its own, with a beginning that cannot be read', { owner: WEB.workload, since: 'x', until: AT_ONE }, 2, 'the same'],
    ['its own, with a beginning after its end', { owner: WEB.workload, since: '2026-01-01T18:00:00Z', until: AT_ONE }, 2, 'the same'],
    ['its own, of a century', { owner: WEB.workload, since: '1926-01-01T12:00:00Z', until: AT_ONE }, 24, 'a day is the longest'],
    ['that of its namespace', { scope: 'Namespace', namespace: 'shop', architecture: 'arm64', since: ten, until: AT_ONE }, 6, 'it was relaxed, too'],
    ['that of its architecture', { scope: 'Architecture', architecture: 'arm64', since: ten, until: AT_ONE }, 6, 'the same'],
    ['that of its namespace, for another architecture', { scope: 'Namespace', namespace: 'shop', architecture: 'amd64', since: ten, until: AT_ONE }, 1, 'it was none of it'],
    ['that of another workload', { owner: 'shop/Deployment/api', since: ten, until: AT_ONE }, 1, 'the same'],
    ['that of a form that is not known', { scope: 'Zone', owner: WEB.workload, since: ten, until: AT_ONE }, 1, 'it is ignored'],
  ])('the relief before was %s: %j → %d h', (_, entry, hours) => {
    expect(lengthAfter(entry)).toBe(hours);
  });

  test('many that become one entry are relaxed together for as long as the longest, and that is doubled', () => {
    const before = stored([{ owner: 'shop/Deployment/0', architecture: 'arm64', since: ten, until: AT_NOON }]);
    const relaxations = new Relaxations();
    for (let index = 0; index < 11; index += 1) relaxations.relax(before, stuck('shop', index), NOW);
    const four = { since: AT_NOON, until: '2026-01-01T16:00:00Z' };
    const together = { scope: 'Namespace', namespace: 'shop', architecture: 'arm64', ...four };
    const status = relaxations.of(before, NOW);
    expect(status).toEqual([together]);
    const next = new Relaxations();
    next.relax(stored(status), stuck('shop', 5), NOW + 5 * HOUR);
    expect(next.of(stored(status), NOW + 5 * HOUR)).toContainEqual({
      ...{ owner: 'shop/Deployment/5', architecture: 'arm64' },
      ...{ since: '2026-01-01T17:00:00Z', until: '2026-01-02T01:00:00Z' },
    });
  });

  test('entries that are over get the room that others leave, the latest first, and namespaces share it', () => {
    const over = (namespace: string, count: number): readonly Entry[] =>
      Array.from({ length: count }, (_, index) => ({
        owner: `${namespace}/Pod/${index}`,
        until: new Date(NOW - index * 60_000).toISOString(),
      }));
    const relaxations = new Relaxations();
    for (let index = 0; index < 50; index += 1) relaxations.relax(DEFAULT, { workload: `busy/Pod/${index}` }, NOW);
    const entries = relaxations.of(stored([...over('shop', 190), ...over('other', 10)]), NOW);
    const owners = entries.map(({ owner = '' }) => owner);
    expect(entries).toHaveLength(MAX_RELAXED);
    const counts = ['busy', 'shop', 'other'].map((one) => owners.filter((owner) => owner.startsWith(`${one}/`)).length);
    expect(counts).toEqual([50, 140, 10]);
    expect([owners.includes('shop/Pod/139'), owners.includes('shop/Pod/140')]).toEqual([true, false]);
  });

  test('the largest list is small for an object of the API server, and its schema takes it', () => {
    const name = (length: number): string => 'x'.repeat(length);
    const relaxations = new Relaxations();
    for (let index = 100; index < 100 + MAX_RELAXED; index += 1) {
      const workload = `${name(60)}${index}/${name(63)}/${name(253)}`;
      relaxations.relax(DEFAULT, { workload }, NOW);
    }
    const relaxed = relaxations.of(DEFAULT, NOW);
    expect(relaxed).toHaveLength(MAX_RELAXED);
    expect(JSON.stringify(relaxed).length).toBeLessThan(110_000);
    const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec: {}, status: { relaxed: [...relaxed] } });
    expect(parsed).toMatchObject({ kind: 'ok', value: { status: { relaxed } } });
  });
});
