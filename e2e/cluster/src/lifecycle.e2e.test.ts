import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { down } from './commands/down.ts';
import { readConfig } from './config.ts';
import { clusterId } from './directory.ts';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from './index.ts';
import { clusterLayout } from './layout.ts';
import { findProcesses } from './process/leftovers.ts';
import { controlSchema } from './supervisor/protocol.ts';

const never = new AbortController().signal;

describe('the lifecycle of a cluster', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archpolicy-life-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const readId = async (directory: string): Promise<string> => {
    const id = await waitFor(() => clusterId(clusterLayout(directory)), { timeoutMs: 30_000, what: 'a marker' });
    return id;
  };
  const waitForNoProcesses = (id: string): Promise<true> =>
    waitFor(async () => (await findProcesses(id)).length === 0 || false, {
      timeoutMs: 10_000,
      what: 'all processes to end',
    });

  test(
    'runs beside another cluster and outlives it',
    async () => {
      const [one, two] = await Promise.all(
        ['one', 'two'].map((name) => startCluster({ directory: join(folder, name), only: 'api-server' })),
      );
      const id = await readId(join(folder, 'one'));
      await one?.stop();
      expect(await findProcesses(id)).toEqual([]);
      expect(existsSync(join(folder, 'one'))).toBe(false);
      expect((await two?.kubectl(['get', 'namespace', 'default']))?.status).toBe(0);
      await two?.stop();
    },
    START_TIMEOUT_MILLISECONDS,
  );

  test(
    'ends with its supervisor, even after kill -9, and the next start cleans up',
    async () => {
      const directory = join(folder, 'killed');
      await startCluster({ directory, only: 'api-server' });
      const id = await readId(directory);
      expect(await findProcesses(id)).toHaveLength(3);
      const control = controlSchema.parse(JSON.parse(await readFile(clusterLayout(directory).control, 'utf8')));
      process.kill(control.pid, 'SIGKILL');
      await waitForNoProcesses(id);
      const lines: string[] = [];
      const second = await startCluster({ directory, only: 'api-server', log: (line) => lines.push(line) });
      expect(lines).toEqual([expect.stringMatching(/^cleaned up a cluster/)]);
      expect(await findProcesses(await readId(directory))).toHaveLength(3);
      await second.stop();
    },
    START_TIMEOUT_MILLISECONDS,
  );

  test(
    'ends with the process that starts it, even after kill -9',
    async () => {
      const directory = join(folder, 'abandoned');
      const args = [
        '--disable-warning=ExperimentalWarning',
        join(import.meta.dirname, 'main.ts'),
        'up',
        '--only',
        'api-server',
      ];
      const parent = spawn(process.execPath, args, {
        env: { ...readConfig().environment, CLUSTER_DIR: directory },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for await (const line of createInterface({ input: parent.stdout })) {
        if (line.includes('etcd')) break;
      }
      const id = await readId(directory);
      expect((await findProcesses(id)).length).toBeGreaterThan(1);
      parent.kill('SIGKILL');
      await waitForNoProcesses(id);
      expect(await down(directory, () => undefined, never)).toBe(true);
      expect(existsSync(directory)).toBe(false);
    },
    START_TIMEOUT_MILLISECONDS,
  );

  test('rejects a directory that it did not create', async () => {
    const directory = await mkdtemp(join(folder, 'mine-'));
    await writeFile(join(directory, 'precious'), 'data');
    await expect(startCluster({ directory, only: 'api-server' })).rejects.toThrow(
      expect.objectContaining({
        code: 'Config',
        message: expect.stringMatching(/^CLUSTER_DIR is .*choose another directory$/),
      }),
    );
    expect(await down(directory, () => undefined, never)).toBe(false);
    expect(await readFile(join(directory, 'precious'), 'utf8')).toBe('data');
  });
});
