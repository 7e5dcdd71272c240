import { readdir, readFile } from 'node:fs/promises';
import type { PerformanceResult } from '@archpolicy/testkit';
import { ROOT } from '../run.ts';

const FOLDER = `${ROOT}docs/performance/`;

/** The generated page. */
export const PAGE = `${FOLDER}README.md`;

/** Reads every result in docs/performance; the benches of the project write them. */
export async function readResults(): Promise<PerformanceResult[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.json'));
  return await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(`${FOLDER}${name}`, 'utf8')) as PerformanceResult),
  );
}
