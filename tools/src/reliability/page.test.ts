import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { readFaultResults, RELIABILITY_RESULTS, RELIABILITY_SOAK } from '@archpolicy/testkit';
import type { FaultResult } from '@archpolicy/testkit';
import { PAGE } from './files.ts';
import { reliabilityPage } from './page.ts';

const result: FaultResult = {
  id: 'F7',
  title: 'Redis is down (at the start)',
  rule: 'K7',
  bar: 'No pod waits for it',
  done: 'Redis is stopped',
  fakes: ['the clock, because years pass'],
  observations: [
    { what: 'pods that waited', value: '3', bar: 'exactly 0', held: false },
    { what: 'reviews', value: '100', held: true },
  ],
  held: false,
  problem: 'the timeout is too long',
  seconds: 12.5,
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abc',
  machine: { cpu: 'cpu', cores: 2, memoryGiB: 24, node: 'v24' },
};

describe('the reliability page', () => {
  test('is up to date with the results beside it', async () => {
    const [results, soaks] = await Promise.all([RELIABILITY_RESULTS, RELIABILITY_SOAK].map(readFaultResults));
    expect(await readFile(PAGE, 'utf8')).toBe(reliabilityPage(results ?? [], soaks));
  });

  test('shows the latest soak beside the faults, which it does not count', () => {
    const page = reliabilityPage([result], [{ ...result, id: 'Soak', title: 'Random faults', held: true }]);
    expect(page).toContain('**0 of 1 faults: all bars held.**');
    expect(page).toContain('| [Soak](#soak-random-faults) | Random faults |');
    expect(page).toContain('## Soak Random faults');
  });

  test('shows a bar that was missed, its reason, and the parts that are not real', () => {
    const page = reliabilityPage([result]);
    expect(page).toContain('**0 of 1 faults: all bars held.**');
    expect(page).toContain('| [F7](#f7-redis-is-down-at-the-start) | Redis is down (at the start) |');
    expect(page).toContain('| pods that waited | 3 | exactly 0 | **not held** |');
    expect(page).toContain('| reviews | 100 | – | – |');
    expect(page).toContain('**Not held**: the timeout is too long.');
    expect(page).toContain('Not real: the clock, because years pass.');
  });
});
