import { join } from 'node:path';
import { startProgram, waitFor } from '@archpolicy/e2e';
import type { Child, TestCluster } from '@archpolicy/e2e';

const REGISTRIES = join(import.meta.dirname, '../../deploy/overlays/local/registries.yaml');
/** Maximum wait until the webhook serves. On an idle machine it takes less than two seconds. */
const READY_TIMEOUT_MS = 60_000;

/** Starts a webhook in place of the cluster's webhook, which must have ended before. */
export async function startWebhook(cluster: TestCluster, name: string): Promise<Child> {
  const url = new URL(cluster.get('WEBHOOK_URL'));
  const metrics = new URL(cluster.get('WEBHOOK_METRICS'));
  const child = await startProgram({
    directory: cluster.directory,
    program: 'webhook',
    name,
    env: {
      ARCHPOLICY_KUBECONFIG: join(cluster.directory, 'run', 'archpolicy-webhook.kubeconfig'),
      ARCHPOLICY_METRICS_ADDRESS: metrics.host,
      ARCHPOLICY_REGISTRIES_FILE: REGISTRIES,
      ARCHPOLICY_WEBHOOK_ADDRESS: url.host,
      ARCHPOLICY_TLS_DIRECTORY: join(cluster.directory, 'webhook-tls'),
      ARCHPOLICY_DRAIN_SECONDS: '1',
    },
  });
  const isReady = async (): Promise<boolean> => (await fetch(new URL('/readyz', metrics))).ok;
  await waitFor(isReady, { timeoutMs: READY_TIMEOUT_MS, what: 'the webhook to be ready' });
  return child;
}
