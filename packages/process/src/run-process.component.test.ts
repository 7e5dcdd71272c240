import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { commonVariables, ConfigError, readConfig } from '@archpolicy/service';
import type { Environment } from '@archpolicy/service';
import { freePort } from '@archpolicy/testkit';
import type { ManagedProcess, ProcessConfig } from './managed-process.ts';
import { VERSION } from './names.ts';
import { runProcess } from './run-process.ts';

const KUBECONFIG = `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

describe('a process', () => {
  let directory: string;
  let kubeconfig: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'archpolicy-process-'));
    kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, KUBECONFIG);
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  function run(env: Environment, body: (process: ManagedProcess<ProcessConfig>) => Promise<void>): Promise<void> {
    const config = readConfig(commonVariables, {
      ARCHPOLICY_KUBECONFIG: kubeconfig,
      ARCHPOLICY_LOG_LEVEL: 'error',
      ...env,
    });
    return runProcess({ clock: systemClock() }, { name: 'archpolicy-test', config, closeWithinMs: 5_000 }, body);
  }

  test.each([
    ['its body returns', undefined],
    ['its body throws', new Error('broken')],
  ])('closes what it opened, the last first, when %s', async (_, error) => {
    const closed: string[] = [];
    const ended = run({}, (process) => {
      process.shutdownHooks.add('first', () => void closed.push('first'));
      process.runInBackground('task', async (closing) => {
        await new Promise((resolve) => {
          closing.addEventListener('abort', resolve);
        });
        closed.push('task');
      });
      process.shutdownHooks.add('last', () => void closed.push('last'));
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    });
    await (error === undefined ? ended : expect(ended).rejects.toBe(error));
    expect(closed).toEqual(['last', 'task', 'first']);
  });

  test('serves readiness and metrics while it runs, and not afterwards', async () => {
    const port = await freePort();
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    let ready = false;
    const env = { ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${port}`, ARCHPOLICY_COMMIT: '1f3870b' };
    await run(env, async (process) => {
      await process.startOps({ lists: () => (ready ? { ok: true } : { ok: false, reason: 'not listed' }) });
      expect((await get('/readyz')).status).toBe(503);
      ready = true;
      expect((await get('/readyz')).status).toBe(200);
      const metrics = await (await get('/metrics')).text();
      expect(metrics).toContain('process_cpu_seconds_total');
      expect(metrics).toContain(`\narchpolicy_build_info{version="${VERSION}",commit="1f3870b"} 1\n`);
    });
    await expect(get('/readyz')).rejects.toThrow('fetch failed');
  });

  test('serves health on the address of the probes, and no metrics there', async () => {
    const [port, probes] = await Promise.all([freePort(), freePort()]);
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${probes}${path}`);
    const env = {
      ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${port}`,
      ARCHPOLICY_PROBES_ADDRESS: `127.0.0.1:${probes}`,
    };
    await run(env, async (process) => {
      await process.startOps({ lists: () => ({ ok: false, reason: 'not listed' }) });
      const statuses = await Promise.all(
        ['/healthz', '/readyz', '/metrics'].map(async (path) => (await get(path)).status),
      );
      expect(statuses).toEqual([200, 503, 404]);
    });
    await expect(get('/healthz')).rejects.toThrow('fetch failed');
  });

  test.each([
    ['a kubeconfig that does not exist', 'ARCHPOLICY_KUBECONFIG', { ARCHPOLICY_KUBECONFIG: '/nowhere' }],
    ['a registries file that does not exist', 'ARCHPOLICY_REGISTRIES_FILE', { ARCHPOLICY_REGISTRIES_FILE: '/nowhere' }],
    ['a cache without a key', 'ARCHPOLICY_CACHE_KEY', { ARCHPOLICY_REDIS_URL: 'redis://127.0.0.1:1' }],
  ])('ends with an error that names the variable: %s', async (_, variable, env: Environment) => {
    const error: unknown = await run(env, async (process) => {
      await process.openInspector();
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ variable });
  });

  test('has an identity of its own at each start', async () => {
    const instances: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await run({}, ({ instance }) => {
        instances.push(instance);
        return Promise.resolve();
      });
    }
    expect(new Set(instances).size).toBe(2);
  });
});
