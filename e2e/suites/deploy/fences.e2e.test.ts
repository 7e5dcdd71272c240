import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  A_CERTIFICATE,
  CONFIG_MAPS,
  CONFIGURATION_PATCHES,
  EVICTIONS,
  gatedPod,
  PATCHES,
  SECRETS,
  UID_OF_THE_POD,
} from './fence-cases.ts';

const BASE = join(import.meta.dirname, '../../../deploy/base');
const operator = accountIn('archpolicy-system', 'operator');
/** The operator of an installation in another namespace. */
const operatorElsewhere = accountIn('elsewhere', 'operator');

// On a busy machine kubectl can take several seconds.
jest.setTimeout(60_000);

let cluster: TestCluster;
/** The CA of the cluster, in base64. */
let certificate: string;

type Answer = ReturnType<TestCluster['kubectl']>;

/** Returns the flags of an account that may do everything according to RBAC, so that only a fence can refuse a request. */
function accountIn(namespace: string, name: string): readonly string[] {
  return [`--as=system:serviceaccount:${namespace}:archpolicy-${name}`, '--as-group=system:masters'];
}

async function kubectl(args: readonly string[], stdin?: string): Promise<void> {
  const { status, stderr } = await cluster.kubectl(args, stdin);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

const create = (object: JsonObject): Promise<void> => kubectl(['create', '--filename=-'], JSON.stringify(object));

/** Sends a JSON Patch of the pod `gated` as a dry run. */
const patch = (operations: readonly JsonObject[], as: readonly string[]): Answer =>
  cluster.kubectl([
    'patch',
    'pod',
    'gated',
    '-n=fenced',
    '--type=json',
    `--patch=${JSON.stringify(operations)}`,
    '--dry-run=server',
    ...as,
  ]);

/** Sends an eviction of the pod `gated` of a namespace as a dry run. */
const evict = (namespace: string, deleteOptions: JsonObject | undefined, as: readonly string[]): Answer =>
  cluster.kubectl(
    ['create', `--raw=/api/v1/namespaces/${namespace}/pods/gated/eviction?dryRun=All`, '--filename=-', ...as],
    JSON.stringify({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name: 'gated' },
      deleteOptions,
    }),
  );

/** Creates a ConfigMap as a dry run. */
const createConfigMap = (namespace: string, name: string, as: readonly string[]): Answer =>
  cluster.kubectl(['create', 'configmap', name, `-n=${namespace}`, '--dry-run=server', ...as]);

/** Creates a Secret as a dry run. */
const createSecret = (namespace: string, name: string, type: string, as: readonly string[]): Answer => {
  // A Secret of a token needs the name of an account; one of a certificate needs both keys.
  const metadata = { namespace, name, annotations: { 'kubernetes.io/service-account.name': 'default' } };
  const data = { 'tls.crt': '', 'tls.key': '' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type, data };
  return cluster.kubectl(['create', '--filename=-', '--dry-run=server', ...as], JSON.stringify(secret));
};

/** Sends a JSON Patch of the webhook configuration as a dry run. */
const patchConfiguration = (operations: readonly JsonObject[], as: readonly string[]): Answer => {
  const text = JSON.stringify(operations).replaceAll(`"${A_CERTIFICATE}"`, JSON.stringify(certificate));
  const flags = ['--type=json', `--patch=${text}`, '--dry-run=server'];
  return cluster.kubectl(['patch', 'mutatingwebhookconfiguration', 'archpolicy', ...flags, ...as]);
};

/** Returns the preconditions with the UID of the pod `gated`. */
async function withUid(namespace: string, preconditions: JsonObject): Promise<JsonObject> {
  if (preconditions['uid'] !== UID_OF_THE_POD) return preconditions;
  const { stdout } = await cluster.kubectl([
    'get',
    'pod',
    'gated',
    `-n=${namespace}`,
    '--output=jsonpath={.metadata.uid}',
  ]);
  return { ...preconditions, uid: stdout };
}

async function expectRefusal(answer: Answer, refusal: string | null): Promise<void> {
  const { status, stderr } = await answer;
  if (refusal === null) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  } else {
    expect(status).not.toBe(0);
    expect(stderr).toContain(refusal);
  }
}

const NAMESPACES = ['fenced', 'elsewhere', 'kube-system', 'archpolicy-system'];

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await kubectl(['apply', '--server-side', `--kustomize=${BASE}`]);
  // No server listens at the webhook's address. The label skips the webhook, so that creating a pod does not wait for it.
  const labels = { 'archpolicy.dev/skip': 'true' };
  for (const name of ['fenced', 'elsewhere']) {
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }
  // Create the default accounts, because there is no controller manager that does it.
  for (const namespace of [...NAMESPACES, 'archpolicy-probe']) {
    await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
  }
  for (const namespace of NAMESPACES) await create(gatedPod(namespace, 'gated'));
  const path = '--output=jsonpath={.clusters[0].cluster.certificate-authority-data}';
  certificate = (await cluster.kubectl(['config', 'view', '--raw', path])).stdout;
  // The API server enforces a new admission policy only some time after its creation.
  for (const refused of [
    () => patch([{ op: 'remove', path: '/metadata/labels' }], operator),
    () => evict('fenced', undefined, operator),
    () => createConfigMap('fenced', 'other', operator),
    () => createSecret('fenced', 'other', 'Opaque', operator),
    () => patchConfiguration([{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }], operator),
  ]) {
    await waitFor(async () => (await refused()).status !== 0, { timeoutMs: 20_000, what: 'the fences' });
  }
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
});

describe('the fence around pod updates', () => {
  test.each(PATCHES)('the operator %s', async (_, operations, refusal) => {
    await expectRefusal(patch(operations, operator), refusal);
  });

  test('holds for an installation in another namespace', async () => {
    const label = [{ op: 'add', path: '/metadata/labels/a', value: 'b' }];
    await expectRefusal(patch(label, operatorElsewhere), 'may only remove their own scheduling gate');
  });

  test('other users may still change labels of pods', async () => {
    await kubectl(['label', 'pod', 'gated', '-n=fenced', 'a=b', '--dry-run=server']);
  });
});

describe('the fence around evictions', () => {
  test.each(EVICTIONS)('$account.1 of $account.0 in $namespace, preconditions $preconditions', async (row) => {
    const {
      account: [home, name],
      namespace,
      preconditions,
      refusal,
    } = row;
    const deleteOptions =
      preconditions === undefined ? undefined : { preconditions: await withUid(namespace, preconditions) };
    await expectRefusal(evict(namespace, deleteOptions, accountIn(home, name)), refusal);
  });

  test('other users may still evict without preconditions', async () => {
    await expectRefusal(evict('fenced', undefined, []), null);
    await expectRefusal(
      evict('fenced', undefined, ['--as=system:serviceaccount:fenced:drainer', '--as-group=system:masters']),
      null,
    );
  });
});

describe('the fence around ConfigMaps', () => {
  test.each(CONFIG_MAPS)('R6 $account.1 of $account.0 creates $name in $namespace', async (row) => {
    const { account, namespace, name, refusal } = row;
    await expectRefusal(createConfigMap(namespace, name, accountIn(...account)), refusal);
  });

  test.each(CONFIG_MAPS)('R6 $account.1 of $account.0 changes $name in $namespace', async (row) => {
    const { account, namespace, name, refusal } = row;
    await cluster.kubectl(['create', 'configmap', name, `-n=${namespace}`]);
    const flags = ['--type=merge', '--patch={"data":{"record.json":"{}"}}', '--dry-run=server'];
    const as = accountIn(...account);
    await expectRefusal(cluster.kubectl(['patch', 'configmap', name, `-n=${namespace}`, ...flags, ...as]), refusal);
  });

  test('other users may still create ConfigMaps', async () => {
    await expectRefusal(createConfigMap('fenced', 'other', []), null);
  });
});

describe('the fence around Secrets', () => {
  test.each(SECRETS)('P2 $account.1 of $account.0 creates $name of type $type in $namespace', async (row) => {
    const { account, namespace, name, type, refusal } = row;
    const answer = createSecret(namespace, name, type, accountIn(...account));
    // The API server warns of the empty certificate.
    if (refusal === null) expect((await answer).status).toBe(0);
    else await expectRefusal(answer, refusal);
  });

  test('P2 the content of archpolicy-cache cannot be changed, its metadata can', async () => {
    const name = 'archpolicy-cache';
    await cluster.kubectl(['create', 'secret', 'generic', name, '-n=archpolicy-system', '--from-literal=cache-key=a']);
    const change = (patch: string): Answer =>
      cluster.kubectl([
        ...['patch', 'secret', name, '-n=archpolicy-system', '--type=merge', `--patch=${patch}`, '--dry-run=server'],
        ...operator,
      ]);
    await expectRefusal(change('{"data":{"cache-key":"Yg=="}}'), 'may not change the content of archpolicy-cache');
    await expectRefusal(change('{"metadata":{"labels":{"a":"b"}}}'), null);
  });

  test('other users may still create Secrets', async () => {
    await expectRefusal(createSecret('fenced', 'other', 'Opaque', []), null);
  });
});

describe('the fence around the webhook configuration', () => {
  test.each(CONFIGURATION_PATCHES)('P2 the operator %s', async (_, operations, refusal) => {
    await expectRefusal(patchConfiguration(operations, operator), refusal);
  });

  test('P2 the operator creates one', async () => {
    const configuration = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' };
    const object = JSON.stringify({ ...configuration, metadata: { name: 'evil' }, webhooks: [] });
    const answer = cluster.kubectl(['create', '--filename=-', '--dry-run=server', ...operator], object);
    await expectRefusal(answer, 'may not create a webhook configuration');
  });

  test('P2 holds for an installation in another namespace, and not for other users', async () => {
    const label = [{ op: 'add', path: '/metadata/labels/a', value: 'b' }];
    await expectRefusal(patchConfiguration(label, operatorElsewhere), 'may not change the metadata');
    await expectRefusal(patchConfiguration(label, []), null);
  });
});

describe('the fence around the probe namespace', () => {
  test('accepts a dry run of the operator and rejects requests that would store a pod', async () => {
    const probe = JSON.stringify(gatedPod('archpolicy-probe', 'probe'));
    const run = (...flags: readonly string[]): Answer => cluster.kubectl(['create', '--filename=-', ...flags], probe);
    expect(
      await run('--dry-run=server', '--as=system:serviceaccount:archpolicy-system:archpolicy-operator'),
    ).toMatchObject({
      status: 0,
      stderr: '',
    });
    for (const flags of [operator, []]) {
      expect((await run(...flags)).stderr).toContain('accepts only pods with dryRun=All');
    }
  });
});
