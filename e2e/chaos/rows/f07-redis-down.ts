import { FaultProxy, RedisNode } from '@archpolicy/testkit';
import { waitFor } from '@archpolicy/e2e';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { countRefused, countWrong } from '../parts/admission/verdicts.ts';
import { addedMs, measureBeside } from '../parts/admission/beside.ts';
import type { Beside } from '../parts/admission/beside.ts';
import { Images } from '../parts/admission/images.ts';

const PER_SECOND = 50;
const PODS = 150;
const ROUNDS = 3;
const MAX_ADDED_MS = 5;
/** A probe every 5 s detects that Redis is back (K7). */
const BACK_MS = 6_000;
/** Less than a second of the kubelet's probe, and the jitter of a start on a busy machine. */
const MAX_STARTED_MS = 15_000;

const ID = 'f07';

/** Redis is down when a webhook starts, comes later, and goes again. */
export const redisDown: Scenario = {
  id: 'F7',
  title: 'Redis is down when a webhook starts, comes later, and goes again',
  rule: 'K7, P2',
  bar: 'The webhook becomes ready; new images take at most 5 ms longer (p99) than without Redis',
  done: 'A real Redis behind a TCP proxy that refuses connections; the same pods at a webhook without Redis at the same time',
  fakes: [FAKE_CALLER, 'the registry: it answers for new images at once'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const images = await Images.start(cleanUp);
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  const proxy = await new FaultProxy(redis.port).start();
  cleanUp(() => proxy.stop());
  await proxy.set({ kind: 'refuse' });
  const startedAt = performance.now();
  const failing = await ground.webhook({ redisUrl: `redis://127.0.0.1:${proxy.port}` });
  const startedMs = performance.now() - startedAt;
  const without = await ground.webhook();
  const measure = (): Promise<Beside> =>
    measureBeside({
      failing,
      without,
      namespace,
      perSecond: PER_SECOND,
      images: { failing: images.push(PODS), without: images.push(PODS) },
    });
  // A process that has just started is slower.
  await measure();
  const atStart = await repeat(measure);
  await proxy.set({ kind: 'none' });
  const backMs = await untilUsed(failing, redis, images, namespace);
  await proxy.set({ kind: 'refuse' });
  const during = await repeat(measure);
  const all = [...atStart, ...during].flatMap(({ failing: verdicts }) => verdicts);
  return [
    atMost('start without Redis, until ready', startedMs, MAX_STARTED_MS, 'ms'),
    atMost(
      `p99 of new images, Redis refused since the start, more than without Redis, median of ${ROUNDS} rounds`,
      addedMs(atStart),
      MAX_ADDED_MS,
      'ms',
    ),
    atMost('Redis is used after it came within', backMs, BACK_MS, 'ms'),
    atMost(
      `p99 of new images, Redis refused later, more than without Redis, median of ${ROUNDS} rounds`,
      addedMs(during),
      MAX_ADDED_MS,
      'ms',
    ),
    exactly('pods refused or without an answer', countRefused(all), 0, 'pods'),
    exactly('pods on a wrong architecture', countWrong(all, ['amd64']), 0, 'pods'),
    figure('pods with Redis refused', all.length, 'pods'),
  ];
}

async function repeat(measure: () => Promise<Beside>): Promise<readonly Beside[]> {
  const rounds: Beside[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure());
  return rounds;
}

/** Creates pods of new images until the webhook has stored one in Redis. Returns the milliseconds until then. */
async function untilUsed(
  { client }: ReachableReplica,
  redis: RedisNode,
  images: Images,
  namespace: string,
): Promise<number> {
  const startedAt = performance.now();
  await waitFor(
    async () => {
      await client.review({ namespace, images: images.push(1) });
      return (await redis.keys()).size > 0;
    },
    { timeoutMs: 5 * BACK_MS, intervalMs: 100, what: 'the webhook to use Redis again' },
  );
  return performance.now() - startedAt;
}
