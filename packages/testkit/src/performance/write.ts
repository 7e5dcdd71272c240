import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readConditions } from './conditions.ts';
import type { PerformanceResult } from './result.ts';

const FOLDER = fileURLToPath(new URL('../../../../docs/performance/', import.meta.url));

/** Adds date, commit and machine to a result, and writes docs/performance/NAME.json. Returns its path. */
export async function writePerformanceResult(
  result: Omit<PerformanceResult, 'date' | 'commit' | 'machine'>,
): Promise<string> {
  const { name, title, command, measurements } = result;
  const complete: PerformanceResult = { name, title, ...(await readConditions()), command, measurements };
  await mkdir(FOLDER, { recursive: true });
  const path = `${FOLDER}${name}.json`;
  await writeFile(path, `${JSON.stringify(complete, null, 2)}\n`);
  return path;
}
