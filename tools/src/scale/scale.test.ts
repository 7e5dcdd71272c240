import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fleetNeeds } from './fleet-model.ts';
import { eventLoad } from './operator-model.ts';
import { scaleTables } from './tables.ts';

const PAGE = join(import.meta.dirname, '../../../docs/scale.md');

describe('docs/scale.md', () => {
  test('shows the results of the models (make scale prints them)', async () => {
    const cells = (text: string): string => text.replaceAll(/ +/gu, ' ').replaceAll(/-+/gu, '-');
    const page = cells(await readFile(PAGE, 'utf8'));
    for (const table of scaleTables()) expect(page).toContain(cells(table));
  });
});

describe('the models', () => {
  test('an event waits longer the busier the thread is', () => {
    const cluster = { nodes: 5_000, pods: 150_000, distinctImages: 7_500 };
    const waits = [100, 500, 1_000, 1_500].map((rate) => eventLoad(cluster, rate).p99Ms);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
  });

  test('one tag that all clusters share is revalidated once in ten minutes; with separate credentials, once per cluster', () => {
    const fleet = { clusters: 100, tagsPerCluster: 1, distinctTags: 1, ownCredentials: false };
    expect(fleetNeeds(fleet).headsPerSecond * 600).toBeCloseTo(1);
    expect(fleetNeeds({ ...fleet, ownCredentials: true }).headsPerSecond * 600).toBeCloseTo(100);
  });
});
