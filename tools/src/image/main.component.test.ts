import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLES } from '../bundle/build.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const BUNDLE = join(import.meta.dirname, '../bundle/main.ts');

// Processes on a loaded machine.
jest.setTimeout(120_000);

let scratch: string;
let bundles: string;
/** The only folder on PATH. A test writes the programs into it that the machine shall have. */
let programs: string;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(path: string, args: readonly string[]): Promise<Ended> {
  const env = { PATH: programs, XDG_CACHE_HOME: join(scratch, 'cache') };
  return await new Promise((resolve) => {
    const command = ['--disable-warning=ExperimentalWarning', path, ...args];
    execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(programs, name), 0o755);
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'archpolicy-image-'));
  bundles = join(scratch, 'dist');
  programs = join(scratch, 'bin');
  await mkdir(programs);
  const { status, stderr } = await run(BUNDLE, [bundles]);
  expect([status, stderr]).toEqual([0, '']);
});
afterAll(() => rm(scratch, { recursive: true }));

beforeEach(async () => {
  await rm(programs, { recursive: true });
  await rm(join(scratch, 'cache'), { recursive: true, force: true });
  await mkdir(programs);
});

describe('make image ends with status 2 and one line', () => {
  const expectLine = ({ status, stdout, stderr }: Ended, message: string): void => {
    expect([status, stdout, stderr]).toEqual([2, '', `make image: ${message}\n`]);
  };

  test('for an unknown BASE', async () => {
    expectLine(await run(MAIN, ['alpine', bundles]), 'BASE is "alpine": set it to debian or distroless');
  });

  test('without bundles', async () => {
    const folder = join(scratch, 'nothing');
    expectLine(await run(MAIN, ['debian', folder]), `there is no bundle ${BUNDLES[0]!} in ${folder}: run make bundle`);
  });

  test('without a builder', async () => {
    const remedy = 'install buildah, or start Docker and run `docker buildx create --use`';
    expectLine(await run(MAIN, ['debian', bundles]), `there is no program that builds images: ${remedy}`);
  });

  test('without apt', async () => {
    await writeProgram('buildah', 'echo "buildah version 9.9.9 (image-spec 1.1.0)"');
    const remedy = 'BASE=debian needs Debian or Ubuntu, with a reachable mirror in its apt configuration';
    expectLine(await run(MAIN, ['debian', bundles]), `apt-get is not on PATH: ${remedy}`);
  });

  test.each([
    [
      'that the mirrors no longer have',
      'exit 100',
      /^the apt mirrors do not have base-files \S+ \(amd64\), which .* locked to/u,
    ],
    [
      'with another content',
      'echo other > base.deb',
      /^the apt mirrors have another content of base-files \S+ \(amd64\)/u,
    ],
  ])('for a package %s', async (_problem, download, problem) => {
    await writeProgram('buildah', 'echo "buildah version 9.9.9 (image-spec 1.1.0)"');
    await writeProgram('apt-get', `case "$1" in update) exit 0 ;; *) ${download} ;; esac`);
    const { status, stdout, stderr } = await run(MAIN, ['debian', bundles]);
    expect([status, stdout]).toEqual([2, '']);
    const [, line = ''] = /^make image: ([^\n]*): run make image-lock\n$/u.exec(stderr) ?? [];
    expect(line).toMatch(problem);
  });

  test('for a full disk', async () => {
    await writeProgram('buildah', 'echo "buildah version 9.9.9 (image-spec 1.1.0)"');
    await writeProgram('apt-get', 'echo "E: Write error - write (28: No space left on device)" >&2; exit 100');
    const { status, stderr } = await run(MAIN, ['debian', bundles]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^make image: apt-get .*No space left on device.*\n$/u);
  });

  afterAll(async () => {
    expect((await readdir(bundles)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
