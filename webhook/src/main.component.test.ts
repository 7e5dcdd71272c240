import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { VERSION } from '@archpolicy/process';
import { createWorld, findProgram } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { variables } from './config.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.end());

const MAIN = findProgram('webhook');

const spawned = (args: readonly string[], env: Record<string, string>) => {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, ...written }));
  const waitForLog = async (text: string): Promise<void> => {
    while (!written.stdout.includes(text)) await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  };
  return { child, ended, waitForLog };
};

// Processes and TLS on a loaded machine.
jest.setTimeout(30_000);

describe('the process', () => {
  test.each([
    [{}, 'unknown'],
    [{ ARCHPOLICY_COMMIT: '1f3870b' }, '1f3870b'],
  ])('--version shows version and commit: %j', async (env, commit) => {
    const { status, stdout, stderr } = await spawned(['--version'], env).ended;
    expect([status, stdout, stderr]).toEqual([0, `archpolicy-webhook ${VERSION} (commit ${commit})\n`, '']);
  });

  test('--help lists every variable', async () => {
    const { status, stdout } = await spawned(['--help'], {}).ended;
    expect(status).toBe(0);
    for (const { name } of Object.values(variables)) expect(stdout).toContain(name);
  });

  test.each([
    ['ARCHPOLICY_WEBHOOK_ADDRESS', '9443'],
    ['ARCHPOLICY_KUBECONFIG', '/nowhere'],
  ])('an invalid %s exits with status 2 and one line on stderr that names it', async (name, value) => {
    const { status, stdout, stderr } = await spawned([], { ...world.env, [name]: value }).ended;
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^${name}: [^\\n]*${value}[^\\n]*; example: ${name}=[^\\n]+\\n$`, 'u'));
  });

  test('SIGTERM: drains, closes and exits with status 0', async () => {
    const { child, ended, waitForLog } = spawned([], { ...world.env, ARCHPOLICY_LOG_LEVEL: 'info' });
    await waitForLog('"serving"');
    child.kill('SIGTERM');
    const { status, stdout, stderr } = await ended;
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('"draining"');
  });

  test('a second SIGTERM kills the process at once', async () => {
    const env = { ...world.env, ARCHPOLICY_LOG_LEVEL: 'info', ARCHPOLICY_DRAIN_SECONDS: '300' };
    const { child, ended, waitForLog } = spawned([], env);
    await waitForLog('"serving"');
    child.kill('SIGTERM');
    await waitForLog('"draining"');
    child.kill('SIGTERM');
    expect((await ended).status).toBe(143);
  });
});
