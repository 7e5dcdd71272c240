import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { PerformanceResult } from '@archpolicy/testkit';
import { PAGE, readResults } from './files.ts';
import { performancePage } from './page.ts';

const result: PerformanceResult = {
  name: 'x',
  title: 'A bench',
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abc',
  machine: { cpu: 'cpu', cores: 2, memoryGiB: 24, node: 'v24' },
  command: 'make bench-x',
  measurements: [
    { name: 'm', unit: 's', runs: [3, 1, 2], target: 'at most 1.5 s', met: false, note: 'the profile shows y' },
    { name: 'n', unit: 's', runs: [1], baseline: { name: 'no-op', runs: [2] }, target: 'at most 2 s', met: true },
  ],
};

describe('the performance page', () => {
  test('is up to date with the results beside it', async () => {
    expect(await readFile(PAGE, 'utf8')).toBe(performancePage(await readResults()));
  });

  test('shows a missed target as missed, with its note', () => {
    const page = performancePage([result]);
    expect(page).toContain('| m | 2 s (1–3, 3 runs) | – | at most 1.5 s | **missed**: the profile shows y |');
    expect(page).toContain('| n | 1 s | no-op: 2 s | at most 2 s | met |');
  });
});
