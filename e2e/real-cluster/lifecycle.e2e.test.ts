import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { START_TIMEOUT_MILLISECONDS, waitFor } from '@archpolicy/e2e';
import { down } from '../cluster/src/commands/down.ts';
import { REAL_NODE_NAME } from '../cluster/src/certificates/cluster-pki.ts';
import { readConfig } from '../cluster/src/config.ts';
import { clusterId } from '../cluster/src/directory.ts';
import { clusterLayout } from '../cluster/src/layout.ts';
import { findProcesses } from '../cluster/src/process/leftovers.ts';
import { startRealCluster } from './src/index.ts';
import { ensureNodeTools } from './src/programs/programs.ts';
import { deployment } from './support/deployments.ts';
import { describeReal } from './support/describe-real.ts';
import { ImagePusher } from './support/images.ts';
import { compare, findRemains, takeSnapshot } from './support/machine-snapshot.ts';
import type { MachineSnapshot } from './support/machine-snapshot.ts';

const never = new AbortController().signal;
const ignore = (): void => undefined;
const TIMEOUT_MS = 60_000;

jest.setTimeout(4 * 60_000);

describeReal('the lifecycle of a cluster with a real node', () => {
  let folder = '';
  let nft = '';
  let before: MachineSnapshot;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archpolicy-real-'));
    nft = (await ensureNodeTools(readConfig(), ignore, never)).nft ?? '';
    before = await takeSnapshot(nft);
  }, START_TIMEOUT_MILLISECONDS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const readId = (directory: string): Promise<string> =>
    waitFor(() => clusterId(clusterLayout(directory)), { timeoutMs: TIMEOUT_MS, what: 'a marker' });

  async function expectNothingLeft(directory: string, id: string): Promise<void> {
    expect(await findRemains(id)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    expect(compare(before, await takeSnapshot(nft))).toEqual([]);
  }

  test('a pod whose image is in the registry runs on the real node, and the end leaves nothing on the machine', async () => {
    const directory = join(folder, 'one');
    const cluster = await startRealCluster({ directory, only: 'control-plane' });
    const id = await readId(directory);
    const images = await ImagePusher.create(cluster.get('REGISTRY'));
    await images.push('app', 'index', ['amd64']);
    const image = `${cluster.get('CLUSTER_REGISTRY')}/app:v1`;
    const manifest = JSON.stringify(
      deployment('default', 'app', image, { nodeSelector: { 'kubernetes.io/hostname': REAL_NODE_NAME } }),
    );
    await cluster.kubectlOutput(['apply', '-f', '-'], manifest);
    await cluster.kubectlOutput(['rollout', 'status', 'deployment/app', '--timeout=60s']);
    const pods = await cluster.kubectlOutput(['get', 'pods', '-o', 'wide']);
    expect(pods).toMatch(/app-.* 1\/1 +Running .*10\.244\.0\.\d+ +amd64-real-1/u);
    await cluster.stop();
    await expectNothingLeft(directory, id);
  });

  test('kill -9 of the process that holds the namespaces ends everything, and `down` removes the rest', async () => {
    const directory = join(folder, 'killed');
    await startRealCluster({ directory, only: 'control-plane' });
    const id = await readId(directory);
    process.kill(await findOutsideProcess(id), 'SIGKILL');
    await waitFor(async () => (await findProcesses(id)).length === 0, {
      timeoutMs: TIMEOUT_MS,
      what: 'all processes to end',
    });
    expect(await down(directory, ignore, never)).toBe(true);
    await expectNothingLeft(directory, id);
  });

  test('kill -9 of `make up` during the start ends everything', async () => {
    const directory = join(folder, 'abandoned');
    const main = join(import.meta.dirname, 'src', 'main.ts');
    const parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'up'], {
      env: { ...readConfig().environment, CLUSTER_DIR: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: parent.stdout })) {
      if (line.includes('containerd')) break;
    }
    const id = await readId(directory);
    parent.kill('SIGKILL');
    await waitFor(async () => (await findRemains(id)).length === 0, {
      timeoutMs: TIMEOUT_MS,
      what: 'processes and control groups to be gone',
    });
    expect(await down(directory, ignore, never)).toBe(true);
    await expectNothingLeft(directory, id);
  });
});

/** Returns the pid of the process outside of the namespaces, which starts the others. */
async function findOutsideProcess(id: string): Promise<number> {
  for (const pid of await findProcesses(id)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('/outside/main.ts')) return pid;
  }
  throw new Error('the process outside of the namespaces does not run');
}
