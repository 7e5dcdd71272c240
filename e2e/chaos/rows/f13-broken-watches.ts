import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '@archpolicy/testkit';
import type { ScriptedAnswer, SeenApiRequest } from '../../support/api-proxy.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { atMost, exactly, holds } from '../framework/observations.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';
import { countFailures, podReview, ReviewClient } from '../parts/reviews.ts';
import { ChaosWebhook } from '../parts/webhooks.ts';

const NAMESPACE = 'f13';
const LATE = 'f13-late';
const FAULT_MS = 20_000;
/** Three bookmarks, which arrive once a minute, are missed; then the watch is opened again. */
const MAX_SILENCE_S = 210;
const MAX_RECONNECTS_PER_MINUTE = 60;
const LONG_LINE_BYTES = 30 * 1_024 * 1_024;
const MAX_MEMORY_MIB = 400;

/** How a watch breaks: what the proxy answers in place of the API server. */
const BREAKS: Readonly<Record<string, ScriptedAnswer>> = {
  'ends without an event': { status: 200, body: '' },
  'is closed within a line': { status: 200, body: '{"type":"ADDED","object":{"kind":"Pod","meta', isCut: true },
  'contains a line that is not JSON': { status: 200, body: 'not JSON\n' },
};

/** Watches end, break, are silent, and carry a line of 30 MiB. */
export const brokenWatches: Scenario = {
  id: 'F13',
  title: 'Watches end at once, break within a line, carry 30 MiB in a line, or are silent',
  rule: 'P2, P8',
  bar: 'A watch is opened at most once a second, and changes are found meanwhile. A silent connection is given up within 200 s (three bookmarks); the webhook answers from memory until then',
  done: `All watches of an operator are broken in three ways for ${FAULT_MS / 1_000} s each, then one gets a line of 30 MiB. Beside it, the network of a webhook drops everything until it gives its watches up`,
  fakes: [
    'a proxy answers the broken watches, because a real API server does not end every watch; the silent network is real TCP',
  ],
  run: async (context) => {
    const chaos = await context.cluster();
    const [broken, silent] = await Promise.all([breakWatches(context, chaos), silence(context, chaos)]);
    return [...broken, ...silent];
  },
};

async function breakWatches(context: ScenarioContext, chaos: ChaosCluster): Promise<readonly Observation[]> {
  const seen: Observation[] = [];
  for (const [index, [how, answer]] of Object.entries(BREAKS).entries()) {
    const namespace = `${NAMESPACE}-${index}`;
    await createMisplaced(chaos, namespace, ['web']);
    const leader = await startLeader(context, namespace);
    const begin = performance.now();
    leader.proxy.hooks = { answer: ({ url }) => (url.includes('watch=true') ? answer : undefined) };
    leader.proxy.dropConnections();
    await chaos.enable(namespace);
    await waitUntilMoved(chaos, namespace, 1);
    const moved = (performance.now() - begin) / 1_000;
    await sleep(Math.max(0, begin + FAULT_MS - performance.now()));
    const watches = leader.proxy.requests.filter(({ url, at }) => url.includes('watch=true') && at >= begin);
    const most = Math.max(...Object.values(Object.groupBy(watches, byPath)).map((all) => all?.length ?? 0));
    context.progress(`a watch ${how}`);
    seen.push(
      atMost(`a watch ${how}: watches of a resource, a minute`, (most * 60_000) / FAULT_MS, MAX_RECONNECTS_PER_MINUTE),
      atMost(`a watch ${how}: until a misplaced pod has moved`, moved, 60, 's'),
    );
    if (index === Object.keys(BREAKS).length - 1) seen.push(...(await longLine(chaos, leader)));
    await leader.stop();
  }
  return seen;
}

function byPath({ url }: SeenApiRequest): string {
  return url.split('?')[0] ?? '';
}

/** Sends a line of 30 MiB in the next watch of pods. */
async function longLine(
  chaos: ChaosCluster,
  leader: Awaited<ReturnType<typeof startLeader>>,
): Promise<readonly Observation[]> {
  const isSent = { value: false };
  const object = {
    kind: 'Pod',
    metadata: { name: 'long', namespace: 'f13', annotations: { long: 'x'.repeat(LONG_LINE_BYTES) } },
  };
  const body = `${JSON.stringify({ type: 'ADDED', object })}\n`;
  leader.proxy.hooks = {
    answer: ({ url }) => {
      if (isSent.value || !url.startsWith('/api/v1/pods?') || !url.includes('watch=true')) return undefined;
      isSent.value = true;
      return { status: 200, body };
    },
  };
  await chaos.waitFor('the long line to be sent', () => isSent.value, 90_000);
  await chaos.waitFor('a watch after it', async () => {
    const age = (await leader.metrics()).value('archpolicy_reflector_age_seconds{resource="pods"}');
    return Number.isFinite(age) && age < 5;
  });
  const bytes = (await leader.metrics()).value('process_resident_memory_bytes');
  return [
    holds('the leader survives a line of 30 MiB', !leader.hasEnded),
    atMost('its memory afterwards', bytes / 1_024 ** 2, MAX_MEMORY_MIB, 'MiB'),
  ];
}

async function silence(context: ScenarioContext, chaos: ChaosCluster): Promise<readonly Observation[]> {
  await chaos.createNamespace(NAMESPACE);
  const webhook = await ChaosWebhook.start(context, 'f13-webhook');
  const known = new ReviewClient(webhook, podReview(NAMESPACE, chaos.images.arm64.reference));
  const late = new ReviewClient(webhook, podReview(LATE, chaos.images.arm64.reference));
  await chaos.waitFor('a decision', async () => (await known.send()).isPatched);
  const failures = async (): Promise<number> => (await webhook.metrics()).sum('archpolicy_reflector_failures_total');
  const before = await failures();
  const begin = performance.now();
  await webhook.network.set({ kind: 'black-hole' });
  await chaos.createNamespace(LATE);
  const outcomes = await known.load(2, async () => {
    await chaos.waitFor(
      'the webhook to give its watches up',
      async () => (await failures()) > before,
      MAX_SILENCE_S * 1_000,
    );
  });
  const seconds = (performance.now() - begin) / 1_000;
  await webhook.network.set({ kind: 'none' });
  const healed = performance.now();
  await chaos.waitFor('a pod of the new namespace to be decided', async () => (await late.send()).isPatched);
  for (const client of [known, late]) client.close();
  return [
    atMost('a silent network: until the watches are given up', seconds, MAX_SILENCE_S, 's'),
    exactly('a silent network: failed reviews', countFailures(outcomes), 0),
    exactly('a silent network: reviews without a decision', outcomes.filter(({ isPatched }) => !isPatched).length, 0),
    atMost('from the end of the silence until a new namespace is known', (performance.now() - healed) / 1_000, 60, 's'),
  ];
}
