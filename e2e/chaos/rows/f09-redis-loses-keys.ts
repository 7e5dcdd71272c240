import { PRIMARY_NAME, RedisCluster, RedisNode, RedisSentinel } from '@archpolicy/testkit';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CleanUp } from '../parts/admission/clean-up.ts';
import { withCleanUp } from '../parts/admission/clean-up.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { countRefused, countWrong } from '../parts/admission/verdicts.ts';
import { Images } from '../parts/admission/images.ts';

const REPLICAS = 3;
const KNOWN = 20;
const NEW = 40;
const PER_SECOND = 100;
const SECONDS = 4;
const BEGINS_MS = 1_000;

/** A Redis with a fault that begins while pods are created. */
interface Scene {
  readonly name: string;
  readonly url: string;
  readonly fail: () => Promise<unknown>;
}

const ID = 'f09';

/** Redis loses its keys, becomes read-only, restarts, fails over, or moves its slots. */
export const redisLosesKeys: Scenario = {
  id: 'F9',
  title: 'Redis loses its keys, becomes read-only, restarts, fails over, or moves its slots',
  rule: 'K4, K7',
  bar: 'Known images are not requested again; a new image at most once by each replica, because Redis loses facts and locks, but no replica its memory',
  done: 'Three webhooks and real Redis servers: FLUSHALL ten times, REPLICAOF, SIGKILL and a start without data, a failover of a Sentinel, slots of a Cluster moved to another node',
  fakes: [FAKE_CALLER, 'the registry, which counts its requests'],
  run: async (context) => {
    const ground = await AdmissionGround.open(context, ID);
    const observations: Observation[] = [];
    for (const scene of [flushed, readOnly, restarted, failedOver, slotsMoved]) {
      observations.push(...(await withCleanUp(async (cleanUp) => run(ground, cleanUp, await scene(cleanUp)))));
    }
    return observations;
  },
};

async function run(
  ground: AdmissionGround,
  cleanUp: CleanUp,
  { name, url, fail }: Scene,
): Promise<readonly Observation[]> {
  const images = await Images.start(cleanUp);
  const replicas = await ground.webhooks(REPLICAS, { redisUrl: url }, cleanUp);
  const review = (replica: number, references: readonly string[], index: number): Promise<TimedVerdict> => {
    const image = references[index % references.length] ?? fault();
    return (replicas[replica % REPLICAS] ?? fault()).client.review({ namespace: ID, images: [image] });
  };
  const known = images.push(KNOWN);
  // Each replica has each image in its memory.
  await openLoop({ perSecond: PER_SECOND, count: KNOWN * REPLICAS }, (index) =>
    review(Math.floor(index / KNOWN), known, index),
  );
  const countKnown = (): number => images.requestsOf(known).reduce((sum, count) => sum + count, 0);
  const before = countKnown();
  const fresh = images.push(NEW);
  const [verdicts] = await Promise.all([
    openLoop({ perSecond: PER_SECOND, count: PER_SECOND * SECONDS }, (index) =>
      review(Math.floor(index / 2), index % 2 === 0 ? known : fresh, Math.floor(index / 2)),
    ),
    sleep(BEGINS_MS).then(fail),
  ]);
  const requests = images.requestsOf(fresh);
  return [
    exactly(`${name}: requests for images that were known before`, countKnown() - before, 0, 'requests'),
    atMost(`${name}: requests for one new image, most`, requests[0] ?? 0, REPLICAS, 'requests'),
    figure(
      `${name}: images of ${NEW} that were requested more than once`,
      requests.filter((one) => one > 1).length,
      'images',
    ),
    exactly(`${name}: pods refused or without an answer`, countRefused(verdicts), 0, 'pods'),
    exactly(`${name}: pods on a wrong architecture`, countWrong(verdicts, ['amd64']), 0, 'pods'),
  ];
}

function fault(): never {
  throw new RangeError('a scenario needs a replica');
}

async function flushed(cleanUp: CleanUp): Promise<Scene> {
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  const fail = async (): Promise<void> => {
    for (let flush = 0; flush < 10; flush += 1) {
      await redis.flush();
      await sleep(100);
    }
  };
  return { name: 'FLUSHALL ten times', url: redis.url, fail };
}

async function readOnly(cleanUp: CleanUp): Promise<Scene> {
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  return { name: 'READONLY', url: redis.url, fail: () => redis.readOnly() };
}

async function restarted(cleanUp: CleanUp): Promise<Scene> {
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  const fail = async (): Promise<void> => {
    await redis.stop();
    await redis.start();
  };
  return { name: 'killed and started without data', url: redis.url, fail };
}

async function failedOver(cleanUp: CleanUp): Promise<Scene> {
  const sentinel = await new RedisSentinel().start();
  cleanUp(() => sentinel.stop());
  const url = `redis+sentinel://${sentinel.address}/${PRIMARY_NAME}`;
  return { name: 'failover of a Sentinel', url, fail: () => sentinel.failOver() };
}

/** Half of the slots of the first node are given to the second one, which answers MOVED. */
async function slotsMoved(cleanUp: CleanUp): Promise<Scene> {
  const cluster = await new RedisCluster().start();
  cleanUp(() => cluster.stop());
  const url = `redis+cluster://${cluster.addresses.join(',')}`;
  const fail = async (): Promise<void> => {
    const [first, second] = cluster.nodes;
    const id = String(await second?.command('CLUSTER', 'MYID'));
    await first?.flush();
    for (let slot = 0; slot < 500; slot += 1) {
      // A slot that has got a key meanwhile stays where it is.
      for (const node of [first, second]) {
        await node?.command('CLUSTER', 'SETSLOT', slot, 'NODE', id).catch(() => undefined);
      }
    }
  };
  return { name: 'MOVED in a Cluster', url, fail };
}
