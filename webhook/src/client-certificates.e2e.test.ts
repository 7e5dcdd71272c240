import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { createCertificateAuthority, createWorld, singleImage } from '@archpolicy/testkit';
import type { CertificateAuthority, World } from '@archpolicy/testkit';
import { RunningWebhook } from './fixtures/running-webhook.ts';

// On a busy machine kubectl can take several seconds.
jest.setTimeout(60_000);

const CRDS = join(import.meta.dirname, '../../crds');

let world: World;
let clients: CertificateAuthority;
let cluster: TestCluster;
let webhook: RunningWebhook | undefined;

/** Writes the two files of deploy/README.md. Returns the API server's flag. */
async function writeAdmissionConfiguration(): Promise<string> {
  const file = (name: string): string => join(world.directory, name);
  const { certificate, key } = await clients.issue({ commonName: 'kube-apiserver', usages: ['clientAuth'] });
  await writeFile(file('client.crt'), certificate);
  await writeFile(file('client.key'), key);
  const user = { 'client-certificate': file('client.crt'), 'client-key': file('client.key') };
  await writeFile(
    file('webhooks.yaml'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: `127.0.0.1:${world.port}`, user }] }),
  );
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'WebhookAdmissionConfiguration',
    kubeConfigFile: file('webhooks.yaml'),
  };
  await writeFile(
    file('admission.yaml'),
    JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'MutatingAdmissionWebhook', configuration }],
    }),
  );
  return `--admission-control-config-file=${file('admission.yaml')}`;
}

const create = (object: JsonObject): Promise<string> =>
  cluster.kubectlOutput(['create', '--filename=-'], JSON.stringify(object));

/** Creates the objects that a webhook without the rest of the installation needs, and the webhook's configuration. */
async function install(): Promise<void> {
  await cluster.kubectlOutput(['apply', '--server-side', `--kustomize=${CRDS}`]);
  await cluster.kubectlOutput(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
  await create({
    apiVersion: 'archpolicy.dev/v1alpha1',
    kind: 'ArchPolicy',
    metadata: { name: 'default' },
    spec: { mode: 'Enforce' },
  });
  for (const name of ['archpolicy-system', 'shop']) await cluster.kubectlOutput(['create', 'namespace', name]);
  await cluster.kubectlOutput(['create', 'serviceaccount', 'default', '--namespace=shop']);
  await create({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'archpolicy' },
    webhooks: [
      {
        name: 'pods.archpolicy.dev',
        admissionReviewVersions: ['v1'],
        clientConfig: {
          url: `https://127.0.0.1:${world.port}/mutate`,
          caBundle: Buffer.from(world.authority.certificate).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        failurePolicy: 'Ignore',
        timeoutSeconds: 10,
        sideEffects: 'None',
      },
    ],
  });
}

beforeAll(async () => {
  world = await createWorld();
  world.registry.push('app', '1', singleImage('linux/arm64'));
  clients = await createCertificateAuthority('clients');
  cluster = await startCluster({ only: 'api-server', apiServerFlags: [await writeAdmissionConfiguration()] });
  await install();
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await webhook?.stop();
  await cluster.stop();
  await world.end();
});

/** Creates a pod with a dry run. Returns whether the webhook decided about it. */
async function isDecided(): Promise<boolean> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', namespace: 'shop' },
    spec: { containers: [{ name: 'app', image: `${world.registry.host}/app:1` }] },
  };
  const created = await cluster.kubectlOutput(
    ['create', '--dry-run=server', '--filename=-', '--output=json'],
    JSON.stringify(pod),
  );
  const { metadata } = JSON.parse(created) as { metadata: { annotations?: Readonly<Record<string, string>> } };
  return metadata.annotations?.['archpolicy.dev/decision'] !== undefined;
}

test('P4 the API server calls the webhook with the documented client certificate, and fails open without a valid one', async () => {
  const file = join(world.directory, 'client-ca.crt');
  await writeFile(file, (await createCertificateAuthority('others')).certificate);
  const env = { ARCHPOLICY_KUBECONFIG: cluster.get('KUBECONFIG'), ARCHPOLICY_CLIENT_CA_FILE: file };
  webhook = await RunningWebhook.start(world, env, systemClock());
  expect(await isDecided()).toBe(false);
  const { text } = await webhook.get('/metrics');
  expect(text).toMatch(/archpolicy_admission_clients_rejected_total\{reason="invalid-certificate"\} [1-9]/u);
  await writeFile(file, clients.certificate);
  await waitFor(isDecided, { timeoutMs: 30_000, what: 'the webhook to accept the certificate of the API server' });
});
