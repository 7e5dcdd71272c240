import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority } from '../certificates/authority.ts';
import type { Cluster, Task } from '../component/component.ts';
import { kubectlOutput } from '../kubectl.ts';
import { repositoryRoot } from '../layout.ts';
import type { Layout } from '../layout.ts';
import { waitFor } from '../wait.ts';
import { writeAccount } from './accounts.ts';
import { splitManifests, withAddress } from './manifests.ts';

const CRD = 'crd/archpolicies.archpolicy.dev';
const ESTABLISHED_TIMEOUT_MILLISECONDS = 30_000;
/**
 * Timeout for applying the policy. It is needed because the API server may not list a new kind yet, although its CRD is
 * Established.
 */
const POLICY_TIMEOUT_MILLISECONDS = 20_000;

/** Applies the objects of ArchPolicy: CRD, namespaces, accounts, rights, fences and the default policy. */
export const installArchPolicy: Task = {
  kind: 'task',
  name: 'archpolicy',
  needs: ['kube-apiserver', 'kubeconfig', 'default-account'],
  async run(cluster, signal) {
    const [manifests] = await Promise.all([render(cluster, signal), createWebhookCertificate(cluster.layout)]);
    await writeFile(configurationFile(cluster.layout), manifests.webhookConfigurations);
    await apply(cluster, signal, ['-f', join(repositoryRoot, 'crds', 'archpolicies.yaml'), '-f', '-'], manifests.base);
    await Promise.all([
      writeAccount(cluster, 'archpolicy-webhook', signal),
      writeAccount(cluster, 'archpolicy-operator', signal),
      applyPolicy(cluster, signal),
    ]);
  },
};

/** Applies the webhook configuration, so that the API server calls the webhook. */
export const installWebhookConfiguration: Task = {
  kind: 'task',
  name: 'webhook-configuration',
  needs: ['webhook'],
  async run(cluster, signal) {
    const [configurations, authority] = await Promise.all([
      readFile(configurationFile(cluster.layout), 'utf8'),
      readFile(join(cluster.layout.webhookTls, 'ca.crt'), 'utf8'),
    ]);
    const url = `https://127.0.0.1:${cluster.port('webhook', 'https')}/mutate`;
    await apply(cluster, signal, ['-f', '-'], withAddress(configurations, url, authority));
  },
};

function configurationFile(layout: Layout): string {
  return layout.run('webhook-configuration.yaml');
}

async function render(cluster: Cluster, signal: AbortSignal): Promise<ReturnType<typeof splitManifests>> {
  const overlay = join(repositoryRoot, 'deploy', 'overlays', 'local');
  const rendered = await kubectlOutput(cluster.tool('kubectl'), cluster.layout, ['kustomize', overlay], { signal });
  return splitManifests(rendered);
}

/** Applies the default policy unless the user has a policy already. */
async function applyPolicy(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const timeout = `--timeout=${ESTABLISHED_TIMEOUT_MILLISECONDS / 1000}s`;
  const kubectl = (args: readonly string[], waiting: AbortSignal): Promise<string> =>
    kubectlOutput(cluster.tool('kubectl'), cluster.layout, args, { signal: waiting });
  await kubectl(['wait', '--for=condition=Established', CRD, timeout], signal);
  if (cluster.policy === 'none') return;
  const policy = join(repositoryRoot, 'deploy', 'overlays', 'local', 'policy');
  const applyWhereNone = async (waiting: AbortSignal): Promise<true> => {
    const present = await kubectl(['get', 'archpolicies', '-o', 'name'], waiting);
    if (present === '') await apply(cluster, waiting, ['-k', policy]);
    return true;
  };
  await waitFor(applyWhereNone, {
    timeoutMs: POLICY_TIMEOUT_MILLISECONDS,
    what: 'the default policy to be applied',
    intervalMs: 200,
    signal,
  });
}

/** Runs a forced server-side apply, so that `make up` restores objects that a user has changed. */
async function apply(cluster: Cluster, signal: AbortSignal, args: readonly string[], stdin?: string): Promise<void> {
  const all = ['apply', '--server-side', '--force-conflicts', '--field-manager=make-up', ...args];
  await kubectlOutput(cluster.tool('kubectl'), cluster.layout, all, { stdin, signal });
}

/** Creates the webhook's CA and serving certificate if they do not exist yet. */
async function createWebhookCertificate({ webhookTls }: Layout): Promise<void> {
  const file = (name: string): string => join(webhookTls, name);
  const exists = await access(file('tls.crt')).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const authority = await Authority.create('archpolicy-webhook-ca');
  const serving = await authority.serving('archpolicy-webhook', { dns: ['localhost'], ip: ['127.0.0.1'] });
  await mkdir(webhookTls, { recursive: true, mode: 0o700 });
  await writeFile(file('ca.crt'), authority.certificate);
  await writeFile(file('tls.key'), serving.key, { mode: 0o600 });
  // Write tls.crt last, because its existence shows that all three files exist.
  await writeFile(file('tls.crt'), serving.certificate);
}
