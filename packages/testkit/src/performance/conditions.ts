import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Machine } from './result.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GIT_DEADLINE_MS = 10_000;

/** When, where and from which sources a figure was measured. */
export interface Conditions {
  /** ISO 8601, UTC. */
  readonly date: string;
  /** The measured commit, with `-dirty` if the work tree had changes. */
  readonly commit: string;
  readonly machine: Machine;
}

/** Returns the conditions of a measurement that ends now. */
export async function readConditions(): Promise<Conditions> {
  return { date: new Date().toISOString(), commit: await readCommit(), machine: readMachine() };
}

function readMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
  };
}

async function readCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: ROOT, timeout: GIT_DEADLINE_MS })).stdout.trim();
  const [id, changes] = [await git('rev-parse', '--short=12', 'HEAD'), await git('status', '--porcelain', '-uno')];
  return changes === '' ? id : `${id}-dirty`;
}
