import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { VERSION } from '@archpolicy/process';
import { createWorld, findProgram } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';

const MAIN = findProgram('operator');

// Processes on a loaded machine.
jest.setTimeout(60_000);

describe('the operator’s process', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.end());

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

  test.each([
    [{}, 'unknown'],
    [{ ARCHPOLICY_COMMIT: '1f3870b' }, '1f3870b'],
  ])('--version shows version and commit: %j', async (env, commit) => {
    const { status, stdout, stderr } = await spawned(['--version'], env).ended;
    expect([status, stdout, stderr]).toEqual([0, `archpolicy-operator ${VERSION} (commit ${commit})\n`, '']);
  });

  test('--help lists every variable', async () => {
    const { status, stdout } = await spawned(['--help'], {}).ended;
    expect(status).toBe(0);
    expect(stdout).toContain('ARCHPOLICY_KUBECONFIG');
    expect(stdout).toContain('ARCHPOLICY_METRICS_ADDRESS');
  });

  test.each([
    ['ARCHPOLICY_METRICS_ADDRESS', '9090'],
    ['ARCHPOLICY_KUBECONFIG', '/nowhere'],
    ['ARCHPOLICY_REGISTRIES_FILE', '/nowhere'],
  ])('an invalid %s exits with status 2 and one line on stderr that names it', async (name, value) => {
    const { status, stdout, stderr } = await spawned([], { ...world.env, [name]: value }).ended;
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^${name}: [^\\n]*${value}[^\\n]*; example: ${name}=[^\\n]+\\n$`, 'u'));
  });

  test('SIGTERM: releases the Lease and exits with status 0', async () => {
    const { child, ended, waitForLog } = spawned([], { ...world.env, ARCHPOLICY_LOG_LEVEL: 'info' });
    await waitForLog('became leader');
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([0, '']);
  });
});
