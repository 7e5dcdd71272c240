import { describe, expect, test } from '@jest/globals';
import { parseArchPolicy } from './arch-policy.ts';
import { countActiveRelaxations, isRelaxedAt } from './relaxed.ts';

const UNTIL = '2026-01-01T13:00:00Z';
const NOW = Date.UTC(2026, 0, 1, 12);
const WEB = { namespace: 'shop', workload: 'shop/Deployment/web' };

/** Returns whether these stored entries relax the preference for arm64 for the workload `web` of namespace `shop`. */
function relaxes(...relaxed: readonly Record<string, string>[]): boolean {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec: {}, status: { relaxed: [...relaxed] } });
  if (parsed.kind === 'failed') throw new Error('invalid');
  return isRelaxedAt(parsed.value.status?.relaxed ?? [], WEB, NOW, 'arm64');
}

describe('what an entry of status.relaxed relaxes', () => {
  test.each<[string, Record<string, string>, boolean]>([
    ['the workload', { owner: 'shop/Deployment/web', until: UNTIL }, true],
    [
      'the workload, with the architecture on which it was unschedulable',
      { owner: 'shop/Deployment/web', architecture: 'amd64', until: UNTIL },
      true,
    ],
    ['another workload', { owner: 'shop/Deployment/api', until: UNTIL }, false],
    [
      'its namespace and the architecture',
      { scope: 'Namespace', namespace: 'shop', architecture: 'arm64', until: UNTIL },
      true,
    ],
    [
      'its namespace and another architecture',
      { scope: 'Namespace', namespace: 'shop', architecture: 'amd64', until: UNTIL },
      false,
    ],
    ['another namespace', { scope: 'Namespace', namespace: 'other', architecture: 'arm64', until: UNTIL }, false],
    ['the architecture', { scope: 'Architecture', architecture: 'arm64', until: UNTIL }, true],
    ['another architecture', { scope: 'Architecture', architecture: 'amd64', until: UNTIL }, false],
    [
      'the workload, and since when',
      { owner: 'shop/Deployment/web', since: '2026-01-01T11:00:00Z', until: UNTIL },
      true,
    ],
    ['the workload, with an unknown field', { owner: 'shop/Deployment/web', times: '4', until: UNTIL }, true],
    ['it has expired', { owner: 'shop/Deployment/web', until: '2026-01-01T12:00:00Z' }, false],
    ['its time cannot be parsed', { owner: 'shop/Deployment/web', until: 'soon' }, false],
    ['it has no time', { owner: 'shop/Deployment/web' }, false],
    ['a scope without its field', { scope: 'Architecture', until: UNTIL }, false],
    [
      'an unknown scope',
      { scope: 'Zone', zone: 'a', architecture: 'arm64', owner: 'shop/Deployment/web', until: UNTIL },
      false,
    ],
    ['an unknown form', { zone: 'a', until: UNTIL }, false],
  ])('R9 %s', (_, entry, expected) => {
    expect(relaxes(entry)).toBe(expected);
  });

  test('R9 an entry of an unknown form does not hide others', () => {
    const other = { owner: 'shop/Deployment/web', until: UNTIL };
    expect(relaxes({ scope: 'Zone', zone: 'a', until: UNTIL }, { zone: 'b' }, other)).toBe(true);
  });
});

test.each<[string, readonly (string | undefined)[], number]>([
  ['no entry', [], 0],
  ['an active one', ['2026-01-01T11:00:00Z', UNTIL], 1],
  ['two active ones', [UNTIL, 'soon', UNTIL], 2],
  ['expired ones, kept for a day', ['2026-01-01T11:00:00Z', '2026-01-01T12:00:00Z'], 0],
  ['one without a valid time', ['soon', undefined], 0],
])('R9 how many relaxations are active now: %s', (_, untils, expected) => {
  const relaxed = untils.map((until) => ({ owner: 'shop/Deployment/web', ...(until !== undefined && { until }) }));
  expect(countActiveRelaxations(relaxed, NOW)).toBe(expected);
});
