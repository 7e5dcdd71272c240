import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@archpolicy/core';
import { MODULES, ROOT, runNode } from '../run.ts';
import { readReport } from './results.ts';
import type { TestResult } from './results.ts';

const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', `${MODULES}jest/bin/jest.js`];

/** Runs jest once over all projects and returns the result of every test. */
export async function runJest(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  output: 'inherit' | 'ignore' = 'inherit',
): Promise<TestResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'archpolicy-test-'));
  const outputFile = join(folder, 'report.json');
  try {
    await runNode([...JEST, '--json', `--outputFile=${outputFile}`, ...args], env, output);
    return readReport(JSON.parse(await readFile(outputFile, 'utf8')) as Json, ROOT);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
