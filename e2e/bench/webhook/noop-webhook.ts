import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCluster } from '@archpolicy/e2e';
import { createCertificateAuthority, freePort } from '@archpolicy/testkit';
import { ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

/** Label of the namespaces in which the no-op webhook is called. */
export const NOOP_LABEL = 'bench.archpolicy.dev/no-op';

/**
 * Installs a second webhook, which returns a constant patch. Its cost is the minimum for any webhook on this machine:
 * the calls, connections and patches of the API server.
 */
export async function startNoopWebhook(cluster: TestCluster): Promise<{ readonly stop: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'archpolicy-noop-'));
  const authority = await createCertificateAuthority();
  const { certificate, key } = await authority.issue();
  await writeFile(join(directory, 'tls.crt'), certificate);
  await writeFile(join(directory, 'tls.key'), key);
  const port = await freePort();
  const server = start('./noop-server.ts', [directory, String(port)], {});
  await ready({ port, ca: authority.certificate, body: benchReview('no-op') });
  const url = `https://127.0.0.1:${port}/mutate`;
  const caBundle = Buffer.from(authority.certificate).toString('base64');
  const { status, stderr } = await cluster.kubectl(['create', '-f', '-'], JSON.stringify(configuration(url, caBundle)));
  if (status !== 0) throw new Error(`the no-op webhook could not be installed: ${stderr}`);
  return {
    stop: async () => {
      await stop(server);
      await rm(directory, { recursive: true });
    },
  };
}

/** Returns a webhook configuration that differs from ours only in the namespaces. */
function configuration(url: string, caBundle: string): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'bench-no-op' },
    webhooks: [
      {
        name: 'no-op.bench.archpolicy.dev',
        admissionReviewVersions: ['v1'],
        clientConfig: { url, caBundle },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
        ],
        failurePolicy: 'Ignore',
        timeoutSeconds: 2,
        sideEffects: 'None',
        reinvocationPolicy: 'IfNeeded',
        matchPolicy: 'Equivalent',
        namespaceSelector: { matchLabels: { [NOOP_LABEL]: 'true' } },
      },
    ],
  };
}
