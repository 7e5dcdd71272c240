import { setTimeout as sleep } from 'node:timers/promises';
import { IDLE_OPERATOR } from '@archpolicy/e2e';
import { atMost, exactly, figure, holds } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';
import { countFailures, latency, podReview, ReviewClient } from '../parts/reviews.ts';
import { ChaosWebhook } from '../parts/webhooks.ts';

const NAMESPACE = 'f11';
const APPS = ['a', 'b'];
const PER_SECOND = 20;
const RESTARTS = 2;
/** The resources that a webhook watches. */
const RESOURCES = ['archpolicies', 'namespaces', 'nodes'];
const DOWN_MS = 5_000;
/** Time for all watches to be open again and used, before the next restart. */
const BETWEEN_MS = 8_000;

/** The API server is killed and started again. */
export const apiServerRestart: Scenario = {
  id: 'F11',
  title: 'The API server restarts',
  rule: 'P1, P2',
  bar: 'The webhook answers every review from memory. Views are current again within the length of the outage and 5 s after the return, because the back-off grows with the outage, with at most one LIST of a resource for each restart',
  done: `SIGKILL of a real kube-apiserver, which is back after ${DOWN_MS / 1_000} s and more, ${RESTARTS} times, under ${PER_SECOND} reviews a second; then misplaced pods are enabled`,
  run: async (context) => {
    context.discardCluster();
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, APPS);
    await chaos.createNamespace(`${NAMESPACE}-reviews`);
    const operator = await startLeader(context, NAMESPACE);
    const webhook = await ChaosWebhook.start(context, 'f11-webhook');
    const client = new ReviewClient(webhook, podReview(`${NAMESPACE}-reviews`, chaos.images.arm64.reference));
    await chaos.waitFor('a decision', async () => (await client.send()).isPatched);
    const before = await countLists(webhook);
    const seen = { lateness: 0, gap: 0, outage: 0 };
    const outcomes = await client.load(PER_SECOND, async () => {
      for (let restart = 0; restart < RESTARTS; restart += 1) {
        await sleep(BETWEEN_MS);
        const begin = performance.now();
        await killApiServer(chaos.cluster.status);
        await sleep(DOWN_MS);
        await chaos.cluster.up('all', { operator: IDLE_OPERATOR });
        const back = performance.now();
        seen.outage = Math.max(seen.outage, (back - begin) / 1_000);
        // The new object reaches the view; its age is the time since the last one.
        await chaos.cluster.kubectlOutput(['create', 'namespace', `${NAMESPACE}-after-${restart}`]);
        await chaos.waitFor('the namespaces to be current', async () => {
          const age = (await webhook.metrics()).value('archpolicy_reflector_age_seconds{resource="namespaces"}');
          return age * 1_000 < performance.now() - back;
        });
        const gap = (performance.now() - back) / 1_000;
        seen.gap = Math.max(seen.gap, gap);
        seen.lateness = Math.max(seen.lateness, gap - (back - begin) / 1_000);
      }
    });
    client.close();
    const lists = (await countLists(webhook)) - before;
    const isAlive = !operator.hasEnded;
    const leader = isAlive ? operator : await startLeader(context, NAMESPACE);
    await chaos.enable(NAMESPACE);
    await waitUntilMoved(chaos, NAMESPACE, APPS.length);
    return [
      figure('longest outage', seen.outage, 's'),
      figure('reviews', outcomes.length),
      exactly('failed reviews', countFailures(outcomes), 0),
      exactly('reviews without a decision', outcomes.filter(({ isPatched }) => !isPatched).length, 0),
      figure('99th percentile of their latency', latency(outcomes, 0.99), 'ms'),
      figure('longest time from the return of the API server until a change is seen', seen.gap, 's'),
      atMost('of this, beyond the length of the outage', seen.lateness, 5, 's'),
      atMost('LISTs of a resource, for each restart', lists / RESTARTS / RESOURCES.length, 1),
      holds('the leader kept the Lease, or the outage was longer than 10 s', seen.outage > 10 || isAlive),
      exactly('pods moved afterwards', APPS.length, chaos.live.pods(NAMESPACE).length),
      exactly(
        'evictions for each pod',
        leader.proxy.evictions.filter(({ status }) => status === 201).length / APPS.length,
        1,
      ),
    ];
  },
};

async function killApiServer(
  status: () => Promise<{
    readonly components: readonly { readonly name: string; readonly pid?: number | undefined }[];
  }>,
): Promise<void> {
  const { components } = await status();
  const pid = components.find(({ name }) => name === 'kube-apiserver')?.pid;
  if (pid === undefined) throw new Error('the API server does not run');
  process.kill(pid, 'SIGKILL');
}

/** Counts the LISTs that the webhook has started. */
async function countLists(webhook: ChaosWebhook): Promise<number> {
  const metrics = await webhook.metrics();
  return RESOURCES.reduce(
    (sum, resource) => sum + metrics.value(`archpolicy_reflector_lists_total{resource="${resource}"}`),
    0,
  );
}
