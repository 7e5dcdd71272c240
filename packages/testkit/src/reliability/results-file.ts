import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FaultResult } from './result.ts';

/** The results of the fault model, from which docs/reliability/README.md is generated. */
export const RELIABILITY_RESULTS = fileURLToPath(new URL('../../../../docs/reliability/results.json', import.meta.url));

/** The result of the latest soak; a list of one. */
export const RELIABILITY_SOAK = fileURLToPath(new URL('../../../../docs/reliability/soak.json', import.meta.url));

/** Reads the stored results; none if the file does not exist yet. */
export async function readFaultResults(file: string): Promise<readonly FaultResult[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as readonly FaultResult[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Replaces the stored result of the same fault, and keeps the results of other faults. */
export async function storeFaultResult(file: string, result: FaultResult): Promise<void> {
  const others = (await readFaultResults(file)).filter(({ id }) => id !== result.id);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify([...others, result].sort(byNumber), null, 2)}\n`);
}

function byNumber(one: FaultResult, other: FaultResult): number {
  return Number(one.id.slice(1)) - Number(other.id.slice(1));
}
