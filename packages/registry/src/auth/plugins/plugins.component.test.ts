import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedRegistries, readRegistriesFile } from '../../config/registries-file.ts';
import { NO_LOGGER } from '../../logger.ts';
import type { Credential } from '../credential.ts';
import type { ImageName } from '../../image/match-pattern.ts';
import { PluginCredentials } from './plugin-credentials.ts';
import { parseProviderConfig } from '../../config/provider-config.ts';
import { createManualClock } from '../../fixtures/clocks.ts';

let directory: string;
let warnings: object[];

const clock = createManualClock();
const logger = { ...NO_LOGGER, warn: (fields: object) => void warnings.push(fields) };
const signal = new AbortController().signal;
const app: ImageName = { registry: '1.ecr.example', repository: 'team/app' };
const other: ImageName = { registry: '1.ecr.example', repository: 'team/other' };
const elsewhere: ImageName = { registry: '2.ecr.example', repository: 'team/app' };
const alice = { kind: 'basic', username: 'alice', password: 'pass', source: 'plugin provider' };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-plugins-'));
  clock.nowMs = 0;
  warnings = [];
});

afterEach(() => rm(directory, { recursive: true }));

/** Installs a plugin that records each of its runs and prints the answer. */
async function install(answer: string): Promise<PluginCredentials> {
  const plugin = join(directory, 'provider');
  const script = [
    '#!/bin/sh',
    `cat >> ${directory}/runs; echo " [$1] $ROLE home=$HOME." >> ${directory}/runs`,
    answer,
  ].join('\n');
  await writeFile(plugin, script);
  await chmod(plugin, 0o755);
  const config = {
    kind: 'CredentialProviderConfig',
    apiVersion: 'kubelet.config.k8s.io/v1',
    providers: [
      {
        name: 'provider',
        matchImages: ['*.ecr.example'],
        defaultCacheDuration: '1h0m0s',
        apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
        args: ['get'],
        env: [{ name: 'ROLE', value: 'puller' }],
      },
    ],
  };
  await writeFile(join(directory, 'providers.yaml'), JSON.stringify(config));
  const file = join(directory, 'registries.yaml');
  await writeFile(file, `credentialProviders: {configFile: ${directory}/providers.yaml, binDirectory: ${directory}}`);
  const registries = fixedRegistries(await readRegistriesFile(file));
  return new PluginCredentials(registries, clock, logger, { PATH: '/usr/bin:/bin' });
}

const print = (response: object): string => `cat <<'END'\n${JSON.stringify(response)}\nEND`;
const response = (more: object): object => ({
  kind: 'CredentialProviderResponse',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
  auth: { '*.ecr.example': { username: 'alice', password: 'pass' } },
  ...more,
});

const runs = async (): Promise<readonly string[]> =>
  (await readFile(join(directory, 'runs'), 'utf8')).trim().split('\n');
const get = (plugins: PluginCredentials, place: ImageName): Promise<readonly Credential[] | undefined> =>
  plugins.get(place, { tenant: 'shop', priority: 'admission', signal });

describe('I5 credential-provider plugins', () => {
  test('I5 a plugin gets the image, its arguments, and only the configured environment', async () => {
    const plugins = await install(print(response({ cacheKeyType: 'Image' })));
    expect(plugins.cached(app)).toEqual([]);
    expect(await get(plugins, app)).toEqual([alice]);
    expect(plugins.cached(app)).toEqual([alice]);
    expect(await runs()).toEqual([
      '{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"1.ecr.example/team/app"} [get] puller home=.',
    ]);
  });

  test.each([
    ['Image', 3],
    ['Registry', 2],
    ['Global', 1],
  ])('I5 a response with the key type %s is cached for it', async (cacheKeyType, expected) => {
    const plugins = await install(print(response({ cacheKeyType })));
    for (const place of [app, other, elsewhere, app, other, elsewhere])
      expect(await get(plugins, place)).toEqual([alice]);
    expect(await runs()).toHaveLength(expected);
  });

  test.each([
    ['2m', 119_999, 120_000],
    [undefined, 3_599_999, 3_600_000],
  ])('I5 a cache duration of %s', async (cacheDuration, before, after) => {
    const plugins = await install(print(response({ cacheKeyType: 'Registry', cacheDuration })));
    await get(plugins, app);
    clock.nowMs = before;
    await get(plugins, app);
    expect(await runs()).toHaveLength(1);
    clock.nowMs = after;
    await get(plugins, app);
    expect(await runs()).toHaveLength(2);
  });

  test('I5 a response with a duration of 0 is not cached', async () => {
    const plugins = await install(print(response({ cacheKeyType: 'Registry', cacheDuration: '0' })));
    await get(plugins, app);
    await get(plugins, app);
    expect(await runs()).toHaveLength(2);
  });

  test('I5 an image that matches no pattern runs no plugin', async () => {
    const plugins = await install('exit 1');
    expect(await get(plugins, { registry: 'ecr.example.attacker.tld', repository: 'app' })).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('P5 credentials for other hosts in the response are not used', async () => {
    const auth = { 'other.example': { username: 'x', password: 'y' } };
    const plugins = await install(print(response({ cacheKeyType: 'Image', auth })));
    expect(await get(plugins, app)).toEqual([]);
  });

  test.each([
    ['fails', 'echo canary-secret >&2; exit 1'],
    ['prints text that is not JSON', 'echo canary-secret'],
    [
      'responds in another version',
      print(response({ cacheKeyType: 'Image', apiVersion: 'credentialprovider.kubelet.k8s.io/v2' })),
    ],
    ['returns no cache key type', print(response({}))],
    ['prints endlessly', 'yes canary-secret'],
  ])(
    'I5 P5 a plugin that %s provides no credential, is not rerun immediately, and its output is not logged',
    async (_, answer) => {
      const plugins = await install(answer);
      expect(await get(plugins, app)).toEqual([]);
      expect(await get(plugins, app)).toEqual([]);
      expect(await runs()).toHaveLength(1);
      expect(warnings).toEqual([{ provider: 'provider' }]);
    },
  );

  test.each([
    ['a path as name', { name: '../provider' }],
    ['no patterns', { matchImages: [] }],
    ['no duration', { defaultCacheDuration: 'long' }],
    ['another API', { apiVersion: 'v1' }],
    ['a pattern that cannot match', { matchImages: ['a.example', 'user@'] }],
    ['too many wildcards in a label', { matchImages: ['*a*b*c*d*.example'] }],
    ['too many hosts with wildcards', { matchImages: Array.from({ length: 65 }, (_, i) => `*.h${i}.example`) }],
  ])('I5 a configuration with %s is rejected', (_, change) => {
    const provider = {
      name: 'p',
      matchImages: ['a.example'],
      defaultCacheDuration: '1h',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    };
    const config = { kind: 'CredentialProviderConfig', providers: [{ ...provider, ...change }] };
    expect(() => parseProviderConfig(JSON.stringify(config))).toThrow('credential providers');
  });
});
