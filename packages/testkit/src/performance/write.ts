import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Machine, PerformanceResult } from './result.ts';

const FOLDER = fileURLToPath(new URL('../../../../docs/performance/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GIT_DEADLINE_MS = 10_000;

function machine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
  };
}

async function commit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: ROOT, timeout: GIT_DEADLINE_MS })).stdout.trim();
  const [id, changes] = [await git('rev-parse', '--short=12', 'HEAD'), await git('status', '--porcelain', '-uno')];
  return changes === '' ? id : `${id}-dirty`;
}

/** Adds date, commit and machine to a result, and writes docs/performance/NAME.json. Returns its path. */
export async function writePerformanceResult(
  result: Omit<PerformanceResult, 'date' | 'commit' | 'machine'>,
): Promise<string> {
  const { name, title, command, measurements } = result;
  const complete: PerformanceResult = {
    name,
    title,
    date: new Date().toISOString(),
    commit: await commit(),
    machine: machine(),
    command,
    measurements,
  };
  await mkdir(FOLDER, { recursive: true });
  const path = `${FOLDER}${name}.json`;
  await writeFile(path, `${JSON.stringify(complete, null, 2)}\n`);
  return path;
}
