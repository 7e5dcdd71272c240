import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from './index.ts';
import type { TestCluster } from './index.ts';
import { clusterLayout } from './layout.ts';

/** A program that replaces webhook and operator, which these tests do not need. It serves only /readyz. */
const minimal = `import { createServer } from 'node:http';
const [host, port] = process.env.ARCHPOLICY_METRICS_ADDRESS.split(':');
createServer((request, response) => response.end(JSON.stringify(process.env))).listen(Number(port), host);
`;
const broken = `console.error('ARCHPOLICY_EXAMPLE is wrong');
process.exitCode = 2;
`;

describe('ArchPolicy in the local cluster', () => {
  let folder = '';
  let cluster: TestCluster;
  const program = (name: string): string => join(folder, name);
  const runningNames = async (): Promise<readonly string[]> =>
    (await cluster.status()).components.filter(({ exit }) => exit === undefined).map(({ name }) => name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archpolicy-programs-'));
    await Promise.all([writeFile(program('fine.mjs'), minimal), writeFile(program('broken.mjs'), broken)]);
    cluster = await startCluster({ only: 'control-plane' });
  }, START_TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await cluster.stop();
  });

  test('is not installed with the target control-plane', async () => {
    expect(Object.keys(cluster.env).filter((key) => /^(WEBHOOK|OPERATOR)/.test(key))).toEqual([]);
    expect((await cluster.kubectl(['get', 'crd', '-o', 'name'])).stdout).toBe('');
  });

  test('a webhook that does not start fails `up` with one clear error, and the control plane keeps running', async () => {
    const attempt = cluster.up('all', { webhook: program('broken.mjs'), operator: program('fine.mjs') });
    await expect(attempt).rejects.toThrow(
      /^webhook ended with exit status 2; its log is .*webhook\.log\n {2}ARCHPOLICY_EXAMPLE is wrong$/,
    );
    expect(await runningNames()).not.toContain('operator');
    expect(await runningNames()).toContain('kube-apiserver');
  }, 90_000);

  test('a second `up` installs it, under the accounts of deploy/', async () => {
    cluster = await cluster.up('all', { webhook: program('fine.mjs'), operator: program('fine.mjs') });
    expect(Object.keys(cluster.env)).toEqual(
      expect.arrayContaining([
        'WEBHOOK_URL',
        'WEBHOOK_CA',
        'WEBHOOK_METRICS',
        'WEBHOOK_PID',
        'OPERATOR_METRICS',
        'OPERATOR_PID',
      ]),
    );
    const mode = await cluster.kubectl(['get', 'archpolicy', 'default', '-o', 'jsonpath={.spec.mode}']);
    expect(mode.stdout).toBe('Enforce');
    const client = await cluster.kubectl([
      'get',
      'mutatingwebhookconfiguration',
      'archpolicy',
      '-o',
      'jsonpath={.webhooks[0].clientConfig}',
    ]);
    expect(JSON.parse(client.stdout)).toEqual({
      url: cluster.get('WEBHOOK_URL'),
      caBundle: Buffer.from(await readFile(cluster.get('WEBHOOK_CA'), 'utf8')).toString('base64'),
    });
    for (const account of ['archpolicy-webhook', 'archpolicy-operator']) {
      const kubeconfig = clusterLayout(cluster.directory).run(`${account}.kubeconfig`);
      const identity = await cluster.kubectl([
        'auth',
        'whoami',
        '-o',
        'jsonpath={.status.userInfo.username}',
        '--kubeconfig',
        kubeconfig,
      ]);
      expect(identity.stdout).toBe(`system:serviceaccount:archpolicy-system:${account}`);
    }
  }, 90_000);

  test('ARCHPOLICY_* variables contain the addresses of the cluster', async () => {
    const environment: unknown = await (await fetch(cluster.get('WEBHOOK_METRICS'))).json();
    expect(environment).toMatchObject({
      ARCHPOLICY_REDIS_URL: cluster.get('REDIS_URL'),
      ARCHPOLICY_WEBHOOK_ADDRESS: new URL(cluster.get('WEBHOOK_URL')).host,
      ARCHPOLICY_TLS_DIRECTORY: clusterLayout(cluster.directory).webhookTls,
      ARCHPOLICY_DRAIN_SECONDS: '1',
      HOME: clusterLayout(cluster.directory).home,
    });
  });

  test('a killed operator is not restarted until the next `up`, which records its new pid', async () => {
    const pid = cluster.get('OPERATOR_PID');
    process.kill(Number(pid), 'SIGKILL');
    const isDead = async (): Promise<boolean> => !(await runningNames()).includes('operator');
    await waitFor(isDead, { timeoutMs: 5_000, what: 'the operator to exit' });
    const again = await cluster.up('all', { webhook: program('fine.mjs'), operator: program('fine.mjs') });
    expect(again.get('OPERATOR_PID')).not.toBe(pid);
    expect(again.get('WEBHOOK_PID')).toBe(cluster.get('WEBHOOK_PID'));
  }, 60_000);
});
