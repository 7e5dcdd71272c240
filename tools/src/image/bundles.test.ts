import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUNDLES, hashFile } from '../bundle/build.ts';
import { checkBundles } from './bundles.ts';

let root: string;

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'archpolicy-image-'));
  await write('webhook/src/main.ts', 'one');
  await write('node_modules/pino/index.js', 'pino');
  await write('node_modules/pino/package.json', '{"name":"pino","version":"9.0.0","license":"MIT"}');
  const paths = ['webhook/src/main.ts', 'node_modules/pino/index.js'];
  const hashes = await Promise.all(paths.map(async (path) => [path, await hashFile(join(root, path))] as const));
  for (const name of BUNDLES) {
    await write(`dist/${name}/main.js`, '');
    await write(`dist/${name}/inputs.json`, JSON.stringify(Object.fromEntries(hashes)));
  }
});

afterEach(() => rm(root, { recursive: true }));

describe('the bundles of an image', () => {
  test('made of the present sources are accepted, with the packages that they contain', async () => {
    const packages = await checkBundles(root, join(root, 'dist'));
    expect(packages.map(({ name, version }) => `${name} ${version}`)).toEqual(['pino 9.0.0']);
  });

  test('older than a source are rejected', async () => {
    await write('webhook/src/main.ts', 'two');
    const message = `the bundle ${BUNDLES[0]!} is older than webhook/src/main.ts: run make bundle`;
    await expect(checkBundles(root, join(root, 'dist'))).rejects.toThrow(message);
  });

  test('whose source was removed are rejected', async () => {
    await rm(join(root, 'webhook/src/main.ts'));
    await expect(checkBundles(root, join(root, 'dist'))).rejects.toThrow(/is older than .*: run make bundle$/u);
  });

  test.each(['main.js', 'inputs.json'])('without %s are rejected', async (file) => {
    await rm(join(root, 'dist/webhook', file));
    const message = `there is no bundle webhook in ${join(root, 'dist')}: run make bundle`;
    await expect(checkBundles(root, join(root, 'dist'))).rejects.toThrow(message);
  });
});
