import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CACHE = join(homedir(), '.cache', 'archpolicy', 'faketime');
const LIBRARY = 'usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const TIMEOUT_MS = 120_000;

/** A process's wall clock, which a scenario sets. Its monotonic clock is the real one. */
export interface FakeTime {
  readonly env: Readonly<Record<string, string>>;
  /** Sets the distance from the real time, in seconds. */
  readonly set: (seconds: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * Prepares libfaketime, which replaces the C library's clock functions: that of the system, else Debian's package, unpacked
 * without an installation.
 * @throws Error if there is none, on systems other than Debian on amd64
 * @see https://github.com/wolfcw/libfaketime
 */
export async function fakeTime(seconds: number): Promise<FakeTime> {
  const library = await findLibrary();
  const folder = await mkdtemp(join(tmpdir(), 'archpolicy-time-'));
  const file = join(folder, 'offset');
  const set = (offset: number): Promise<void> => writeFile(file, `${offset < 0 ? '' : '+'}${offset}s\n`);
  await set(seconds);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    set,
    remove: () => rm(folder, { recursive: true }),
  };
}

async function findLibrary(): Promise<string> {
  for (const root of ['/', CACHE]) if (await exists(join(root, LIBRARY))) return join(root, LIBRARY);
  const folder = `${CACHE}.new`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const run = promisify(execFile);
  await run('apt-get', ['download', 'libfaketime'], { cwd: folder, timeout: TIMEOUT_MS });
  for (const name of await readdir(folder)) await run('dpkg', ['-x', name, folder], { cwd: folder });
  await rename(folder, CACHE);
  return join(CACHE, LIBRARY);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
