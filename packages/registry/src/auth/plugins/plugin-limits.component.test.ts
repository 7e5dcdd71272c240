import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import { fixedRegistries, readRegistriesFile } from '../../config/registries-file.ts';
import { NO_LOGGER } from '../../logger.ts';
import type { Credential } from '../credential.ts';
import { PluginCredentials } from './plugin-credentials.ts';

let directory: string;
let plugins: PluginCredentials;

const NEVER = new AbortController().signal;
const alice = { kind: 'basic', username: 'alice', password: 'pass', source: 'plugin provider' };

/**
 * Installs a plugin that records when it starts and ends. It hangs for hosts that begin with `slow`, as long as there is a
 * file `hang`.
 */
async function install(cacheKeyType: 'Image' | 'Registry'): Promise<void> {
  const auth = { '*.ecr.example': { username: 'alice', password: 'pass' } };
  const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
  const script = [
    '#!/bin/sh',
    `cd ${directory}; read request`,
    'echo "start $request" >> log',
    'case "$request" in *\'"slow\'*) while [ -e hang ]; do sleep 0.05; done;; *) sleep 0.05;; esac',
    `echo '${JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion, cacheKeyType, cacheDuration: '1h', auth })}'`,
    'echo end >> log',
  ].join('\n');
  await writeFile(join(directory, 'provider'), script);
  await chmod(join(directory, 'provider'), 0o755);
  const provider = { name: 'provider', matchImages: ['*.ecr.example'], defaultCacheDuration: '1h', apiVersion };
  const config = { kind: 'CredentialProviderConfig', apiVersion: 'kubelet.config.k8s.io/v1', providers: [provider] };
  await writeFile(join(directory, 'providers.yaml'), JSON.stringify(config));
  await writeFile(join(directory, 'log'), '');
  const file = join(directory, 'registries.yaml');
  await writeFile(file, `credentialProviders: {configFile: ${directory}/providers.yaml, binDirectory: ${directory}}`);
  const registries = fixedRegistries(await readRegistriesFile(file));
  plugins = new PluginCredentials(registries, systemClock(), NO_LOGGER, { PATH: '/usr/bin:/bin' });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-plugin-limits-'));
});

afterEach(async () => {
  plugins.close();
  await rm(join(directory, 'hang'), { force: true });
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

const get = (host: string, repository = 'app', tenant = 'evil', signal = NEVER): Promise<unknown> =>
  plugins.get({ registry: `${host}.ecr.example`, repository }, { tenant, priority: 'admission', signal });

const readLog = async (): Promise<readonly string[]> =>
  (await readFile(join(directory, 'log'), 'utf8')).split('\n').filter((line) => line !== '');

const countRuns = async (): Promise<number> => (await readLog()).filter((line) => line.startsWith('start')).length;

/** The largest number of processes at the same time. */
async function countConcurrent(): Promise<number> {
  let running = 0;
  let most = 0;
  for (const line of await readLog()) {
    running += line === 'end' ? -1 : 1;
    most = Math.max(most, running);
  }
  return most;
}

async function waitForRuns(count: number): Promise<void> {
  while ((await countRuns()) < count) await new Promise((resolve) => setTimeout(resolve, 10));
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('K5 plugins', () => {
  test('K5 for 40 images of 40 accounts, at most 4 processes run at once, and all credentials arrive', async () => {
    await install('Registry');
    const found = await Promise.all(numbers(40).map((account) => get(`account-${account}`)));
    expect(found).toEqual(numbers(40).map(() => [alice]));
    expect(await countRuns()).toBe(40);
    expect(await countConcurrent()).toBeLessThanOrEqual(4);
  });

  test('K5 for 40 images of one account, one process runs', async () => {
    await install('Registry');
    const found = await Promise.all(numbers(40).map((image) => get('account', `image-${image}`)));
    expect(found).toEqual(numbers(40).map(() => [alice]));
    expect(await countRuns()).toBe(1);
  });

  test('K5 responses for single images are requested one at a time per account', async () => {
    await install('Image');
    await Promise.all(numbers(5).map((image) => get('account', `image-${image}`)));
    expect([await countRuns(), await countConcurrent()]).toEqual([5, 1]);
  });

  test('K5 plugins that hang for one namespace do not keep those of another one waiting', async () => {
    await install('Registry');
    await writeFile(join(directory, 'hang'), '');
    const attacks = numbers(40).map((account) => get(`slow-${account}`, 'app', 'evil'));
    await waitForRuns(4);
    expect(await get('account', 'app', 'shop')).toEqual([alice]);
    // The work of the other namespace continues.
    await rm(join(directory, 'hang'));
    expect(await Promise.all(attacks)).toEqual(attacks.map(() => [alice]));
  }, 30_000);

  test('K5 P5 credentials that are not available in time are not known, and nothing is cached about them', async () => {
    await install('Registry');
    await writeFile(join(directory, 'hang'), '');
    const caller = new AbortController();
    const waiting = numbers(8).map((account) => get(`slow-${account}`, 'app', 'shop', caller.signal));
    await waitForRuns(4);
    caller.abort();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => undefined));
    await rm(join(directory, 'hang'));
    const again: readonly Credential[] = [alice as Credential];
    expect(await Promise.all(numbers(8).map((account) => get(`slow-${account}`)))).toEqual(waiting.map(() => again));
  });

  test('K5 at the end of the process, no plugin runs on', async () => {
    await install('Registry');
    await writeFile(join(directory, 'hang'), '');
    const waiting = get('slow', 'app', 'shop');
    await waitForRuns(1);
    plugins.close();
    expect(await waiting).toEqual([]);
    await rm(join(directory, 'hang'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await readLog()).not.toContain('end');
  });
});
