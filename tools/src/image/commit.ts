import { ROOT } from '../run.ts';
import { tryCommand } from './run-command.ts';

/** The commit that the image is built from. */
export interface Commit {
  /** The full hash; `unknown` if there are uncommitted changes, or no git. */
  readonly hash: string;
  /** When it was committed, in seconds since 1970. All files of the image have this time. */
  readonly time: number;
}

const UNKNOWN: Commit = { hash: 'unknown', time: 0 };

export async function readCommit(): Promise<Commit> {
  const git = async (...args: readonly string[]): Promise<string | undefined> => {
    const result = await tryCommand('git', args, { cwd: ROOT });
    return result?.status === 0 ? result.stdout.trim() : undefined;
  };
  if ((await git('status', '--porcelain')) !== '') return UNKNOWN;
  const [hash, time] = (await git('log', '-1', '--format=%H %ct'))?.split(' ') ?? [];
  return hash === undefined || time === undefined ? UNKNOWN : { hash, time: Number(time) };
}
