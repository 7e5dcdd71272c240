import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { BurstRunner } from './burst.ts';
import { NOOP_LABEL } from './noop-webhook.ts';

/** The three namespaces of the bench: with our webhook, without a webhook, and with the no-op webhook. */
export const WITH_WEBHOOK = 'bench-with';
export const WITHOUT_WEBHOOK = 'bench-without';
export const WITH_NOOP = 'bench-no-op';

const SKIPPED = { 'archpolicy.dev/skip': 'true' };
const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [WITH_WEBHOOK]: {},
  [WITHOUT_WEBHOOK]: SKIPPED,
  [WITH_NOOP]: { ...SKIPPED, [NOOP_LABEL]: 'true' },
};

/** Runs `work` with a local cluster that has these namespaces, then stops it. */
export async function withCluster(
  creators: number,
  work: (bursts: BurstRunner, cluster: TestCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ signal: AbortSignal.timeout(START_TIMEOUT_MILLISECONDS) });
  const bursts = await BurstRunner.open(cluster, creators);
  try {
    for (const [name, labels] of Object.entries(LABELS)) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(namespace));
      // The ServiceAccount plugin rejects pods until the namespace has its default account.
      await waitFor(
        async () => (await cluster.kubectl(['get', 'serviceaccount', 'default', '-n', name])).status === 0,
        { timeoutMs: 30_000, what: `the default account of ${name}` },
      );
    }
    await work(bursts, cluster);
  } finally {
    await bursts.close();
    await cluster.stop();
  }
}
