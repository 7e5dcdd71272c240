import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWorld, multiPlatformImage } from '@archpolicy/testkit';
import { benchReview } from '../../bench/webhook/review.ts';
import { Connection } from '../../bench/webhook/connection.ts';
import { ready } from '../../bench/webhook/processes.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PROCESSES = ['operator', 'webhook'] as const;

// Processes on a loaded machine.
jest.setTimeout(120_000);

let out: string;

/** Runs a program with the current Node and returns its output. */
async function run(...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const warnings = '--disable-warning=ExperimentalWarning';
  return await promisify(execFile)(process.execPath, [warnings, ...args], { env: {} });
}

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'archpolicy-bundle-'));
  await run(join(ROOT, 'tools/src/bundle/main.ts'), out);
});

afterAll(() => rm(out, { recursive: true }));

describe('the bundle of each process', () => {
  test.each(PROCESSES)('%s prints the help and the version of its sources', async (name) => {
    const [bundle, source] = [join(out, name, 'main.js'), join(ROOT, name, 'src/main.ts')];
    for (const option of ['--help', '--version']) {
      const { stdout } = await run(source, option);
      expect(await run(bundle, option)).toEqual({ stdout, stderr: '' });
    }
  });

  test.each(PROCESSES)('%s has a source map beside it', async (name) => {
    const map = JSON.parse(await readFile(join(out, name, 'main.js.map'), 'utf8')) as { readonly sources: string[] };
    expect(map.sources.some((source) => source.endsWith(`${name}/src/app.ts`))).toBe(true);
  });

  test('contains nothing of the generated clients of client-node', async () => {
    for (const name of PROCESSES) {
      expect(await readFile(join(out, name, 'main.js'), 'utf8')).not.toContain('RequestFactory');
    }
  });

  test('the licences of its packages are beside it', async () => {
    const text = await readFile(join(out, 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['@dot-i/k8s-operator', '@kubernetes/client-node', 'ioredis', 'pino', 'undici']) {
      expect(text).toMatch(new RegExp(`^${name} \\d[^\\n]* \\((?:MIT|Apache-2\\.0)\\)$`, 'mu'));
    }
    expect(text).toContain('Permission is hereby granted, free of charge');
  });

  test('PL2 the webhook constrains a pod to the platforms of its image', async () => {
    const world = await createWorld();
    world.registry.push('checkout', 'v1', multiPlatformImage(['linux/arm64']));
    const webhook = spawn(process.execPath, [join(out, 'webhook/main.js')], { env: world.env, stdio: 'ignore' });
    try {
      const target = {
        port: world.port,
        ca: world.authority.certificate,
        body: benchReview(`${world.registry.host}/checkout:v1`),
      };
      await ready(target);
      const connection = await Connection.open(target.port, target.ca, target.body);
      const answer = JSON.parse((await connection.send()).toString()) as {
        readonly response: { readonly patch: string };
      };
      connection.close();
      expect(Buffer.from(answer.response.patch, 'base64').toString()).toContain('"values":["arm64"]');
    } finally {
      const ended = once(webhook, 'exit');
      webhook.kill('SIGTERM');
      await ended;
      await world.end();
    }
  });
});
