import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SECRET_ACCESS, SECRETS } from './rights.ts';

const ROOT = join(import.meta.dirname, '../../..');
const ROLE_BINDING = join(ROOT, 'deploy/components/pull-secrets-in-namespaces/role-binding.yaml');
const ACCOUNTS = ['webhook', 'operator'] as const;

// On a busy machine kubectl can take several seconds.
jest.setTimeout(60_000);

let cluster: TestCluster;
let directory: string;

async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Writes a kubeconfig whose only credential is a token of the account, as an attacker could have it. */
async function writeTokenKubeconfig(account: string): Promise<void> {
  const token = await kubectl(['create', 'token', `archpolicy-${account}`, '--namespace=archpolicy-system']);
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--output=json'])) as {
    users: { user: JsonObject }[];
  };
  const users = config.users.map((entry) => ({ ...entry, user: { token: token.trim() } }));
  await writeFile(kubeconfig(account), JSON.stringify({ ...config, users }), { mode: 0o600 });
}

const kubeconfig = (account: string): string => join(directory, `${account}.json`);

/** Returns the Secrets of the table that a token of the account can read. */
async function readableSecrets(account: string): Promise<readonly string[]> {
  const readable: string[] = [];
  for (const secret of SECRETS) {
    const [namespace = '', name = ''] = secret.split('/');
    const args = ['get', 'secret', name, `--namespace=${namespace}`, `--kubeconfig=${kubeconfig(account)}`];
    const { status, stderr } = await cluster.kubectl(args);
    if (status === 0) readable.push(secret);
    else expect(stderr).toContain('forbidden');
  }
  return readable;
}

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-tokens-'));
  await kubectl(['apply', '--server-side', `--kustomize=${join(ROOT, 'deploy/base/rbac')}`]);
  for (const namespace of ['shop', 'pay']) await kubectl(['create', 'namespace', namespace]);
  for (const secret of SECRETS) {
    const [namespace = '', name = ''] = secret.split('/');
    await kubectl(['create', 'secret', 'generic', name, `--namespace=${namespace}`, '--from-literal=key=value']);
  }
  for (const account of ACCOUNTS) await writeTokenKubeconfig(account);
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
  await rm(directory, { recursive: true });
});

describe('Secrets that a stolen token can read', () => {
  // In this order, because each way removes rights of the one before it, and `kubectl apply` deletes no objects.
  test.each([
    ['cluster', []],
    [
      'namespaces',
      [['delete', 'clusterrolebinding', 'archpolicy-pull-secrets'], apply('pull-secrets-in-namespaces'), bind('shop')],
    ],
    ['none', [['delete', 'rolebinding', 'archpolicy-pull-secrets', '--namespace=shop'], apply('pull-secrets-none')]],
  ] as const)('pull secrets granted by %s', async (way, commands) => {
    for (const command of commands) await kubectl(command);
    for (const account of ACCOUNTS) {
      expect({ account, readable: await readableSecrets(account) }).toEqual({
        account,
        readable: SECRET_ACCESS[way][account],
      });
      const list = ['get', 'secrets', '--namespace=shop', `--kubeconfig=${kubeconfig(account)}`];
      expect((await cluster.kubectl(list)).stderr).toContain('forbidden');
    }
  });
});

function apply(overlay: string): readonly string[] {
  return ['apply', '--server-side', `--kustomize=${join(import.meta.dirname, 'testdata', overlay)}`];
}

function bind(namespace: string): readonly string[] {
  return ['apply', `--namespace=${namespace}`, `--filename=${ROLE_BINDING}`];
}
