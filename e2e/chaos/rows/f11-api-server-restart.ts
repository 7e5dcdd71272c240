import { setTimeout as sleep } from 'node:timers/promises';
import { IDLE_OPERATOR } from '@archpolicy/e2e';
import type { OperatorProcess } from '../../support/operator-process.ts';
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
const DOWN_MS = 5_000;
/** Time for all watches to be open again and used, before the next restart. */
const BETWEEN_MS = 8_000;

/** The API server is killed and started again. */
export const apiServerRestart: Scenario = {
  id: 'F11',
  title: 'The API server restarts',
  rule: 'P1, P2',
  bar: 'The webhook answers every review from memory. Views are current within 5 s of the return, with at most one LIST of a resource for each restart',
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
    const before = listsByResource(operator);
    const seen = { gap: 0, outage: 0 };
    const outcomes = await client.load(PER_SECOND, async () => {
      for (let restart = 0; restart < RESTARTS; restart += 1) {
        await sleep(BETWEEN_MS);
        const begin = performance.now();
        await killApiServer(chaos.cluster.status);
        await sleep(DOWN_MS);
        await chaos.cluster.up('all', { operator: IDLE_OPERATOR });
        const back = performance.now();
        seen.outage = Math.max(seen.outage, (back - begin) / 1_000);
        // A node's heartbeat or a new object reaches each view; age is the time since the last one.
        await chaos.cluster.kubectlOutput(['create', 'namespace', `${NAMESPACE}-after-${restart}`]);
        await chaos.waitFor('the namespaces to be current', async () => {
          const age = (await operator.metrics()).value('archpolicy_reflector_age_seconds{resource="namespaces"}');
          return age * 1_000 < performance.now() - back;
        });
        seen.gap = Math.max(seen.gap, (performance.now() - back) / 1_000);
      }
    });
    client.close();
    const lists = [...listsByResource(operator)].map(([path, count]) => count - (before.get(path) ?? 0));
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
      atMost('from the return of the API server until a change is seen', seen.gap, 5, 's'),
      atMost('LISTs of any resource, for each restart', Math.max(0, ...lists) / RESTARTS, 1),
      holds('the leader survived (an outage under 10 s)', seen.outage > 10 || isAlive),
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

/** Counts the first pages of LISTs by path, as the operator sent them to its proxy. */
function listsByResource({ proxy }: OperatorProcess): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { method, url } of proxy.requests) {
    const [path = '', query = ''] = url.split('?');
    if (method !== 'GET' || !query.includes('limit=') || query.includes('continue=')) continue;
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}
