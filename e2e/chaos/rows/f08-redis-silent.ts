import { FaultProxy, RedisNode } from '@archpolicy/testkit';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { countRefused, countWrong } from '../parts/admission/verdicts.ts';
import { measureBeside } from '../parts/admission/beside.ts';
import { Images } from '../parts/admission/images.ts';

const PER_SECOND = 50;
const PODS = 600;
const BEGINS_MS = 2_000;
/** The timeout of a command is 50 ms (K7). */
const TIMEOUT_MS = 50;
/**
 * Three commands that time out open the breaker (K7). A pod whose image is new waits for a few commands one after the
 * other, and the pods that arrive within the first timeouts wait, too.
 */
const MAX_SLOW = 12;
const MAX_WAIT_MS = 400;

const ID = 'f08';

/** Redis stops answering while pods are created. */
export const redisSilent: Scenario = {
  id: 'F8',
  title: 'Redis stops answering while pods are created',
  rule: 'K7',
  bar: 'Only the first commands wait for their timeout of 50 ms',
  done: 'A real Redis behind a TCP proxy that drops everything from the third second on; the same pods at a webhook without Redis at the same time',
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
  const [failing, without] = await Promise.all([
    ground.webhook({ redisUrl: `redis://127.0.0.1:${proxy.port}` }),
    ground.webhook(),
  ]);
  const [beside] = await Promise.all([
    measureBeside({
      failing,
      without,
      namespace,
      perSecond: PER_SECOND,
      images: { failing: images.push(PODS), without: images.push(PODS) },
    }),
    sleep(BEGINS_MS).then(() => proxy.set({ kind: 'black-hole' })),
  ]);
  const slow = beside.failing.filter(({ ms }) => ms >= TIMEOUT_MS).length;
  const slowWithout = beside.without.filter(({ ms }) => ms >= TIMEOUT_MS).length;
  return [
    atMost(
      `pods that waited for a timeout of Redis, in ${(PODS / PER_SECOND - BEGINS_MS / 1_000).toFixed(0)} s, more than without Redis`,
      slow - slowWithout,
      MAX_SLOW,
      'pods',
    ),
    atMost('slowest answer', Math.max(...beside.failing.map(({ ms }) => ms)), MAX_WAIT_MS, 'ms'),
    figure('slowest answer without Redis', Math.max(...beside.without.map(({ ms }) => ms)), 'ms'),
    exactly('pods refused or without an answer', countRefused(beside.failing), 0, 'pods'),
    exactly('pods on a wrong architecture', countWrong(beside.failing, ['amd64']), 0, 'pods'),
  ];
}
