import { readdir, readFile } from 'node:fs/promises';
import type { PerformanceResult } from '@archpolicy/testkit';
import { ROOT } from '../run.ts';

const FOLDER = `${ROOT}docs/performance/`;

/** The generated page. */
export const PAGE = `${FOLDER}README.md`;

/** Every result in docs/performance. They are written by our own benches. */
export async function readResults(): Promise<PerformanceResult[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.json'));
  return await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(`${FOLDER}${name}`, 'utf8')) as PerformanceResult),
  );
}
