import { randomBytes } from 'node:crypto';
import { RedisNode } from '@archpolicy/testkit';
import { atLeast, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { countRefused, countWrong, retryUnplaced } from '../parts/admission/verdicts.ts';
import { Images } from '../parts/admission/images.ts';

const TTL_SECONDS = 600;
const HUGE_BYTES = 5 * 1024 * 1024;

interface Stored {
  readonly key: string;
  readonly value: Buffer;
}

/** Writes another value to a key, with the value that the webhook had stored for another image. */
type Poison = (redis: RedisNode, own: Stored, other: Stored) => Promise<unknown>;

const set =
  (value: (own: Stored, other: Stored) => Buffer | string): Poison =>
  (redis, own, other) =>
    redis.command('SET', own.key, value(own, other), 'EX', TTL_SECONDS);

const POISONS: Readonly<Record<string, Poison>> = {
  'random bytes': set(({ value }) => randomBytes(value.length)),
  'no bytes': set(() => ''),
  'JSON without encryption': set(() => '{"platforms":[{"os":"linux","architecture":"arm64"}]}'),
  'JSON with __proto__': set(() => '{"__proto__":{"platforms":[]},"constructor":1}'),
  'the value of another key': set((_, other) => other.value),
  'one bit changed': set(({ value }) => flipBit(value)),
  'cut off': set(({ value }) => value.subarray(0, value.length - 1)),
  '5 MB': set(() => randomBytes(HUGE_BYTES)),
  'a list instead of a text': async (redis, { key }) => {
    await redis.command('DEL', key);
    await redis.command('RPUSH', key, 'a', 'b');
  },
  'the value of another version': set(({ value }) => Buffer.concat([Buffer.from([2]), value.subarray(1)])),
};

const ID = 'f10';

/** Others have written to Redis. */
export const redisPoisoned: Scenario = {
  id: 'F10',
  title: 'Others have written to Redis',
  rule: 'K6',
  bar: 'No wrong architecture; every value that does not decrypt is a miss and is counted',
  done: 'Ten kinds of wrong values replace those of a webhook in a real Redis; then another webhook starts, which has nothing in its memory',
  fakes: [FAKE_CALLER, 'the registry, which counts its requests'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const images = await Images.start(cleanUp);
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  const writer = await ground.webhook({ redisUrl: redis.url });
  const kinds = Object.entries(POISONS);
  const references = images.push(kinds.length + 1);
  const stored = await storeEach(writer, redis, namespace, references);
  const others = stored.at(-1) ?? [];
  let poisoned = 0;
  for (const [index, [, poison]] of kinds.entries()) {
    for (const [at, own] of (stored[index] ?? []).entries()) {
      await poison(redis, own, others[at % others.length] ?? own);
      poisoned += 1;
    }
  }
  // A new process has nothing in its memory, so it reads every value.
  const { client, replica } = await ground.webhook({ redisUrl: redis.url });
  const verdicts = await Promise.all(references.map((image) => client.review({ namespace, images: [image] })));
  const again = await Promise.all(
    references.map((image) => retryUnplaced(() => client.review({ namespace, images: [image] }))),
  );
  const discarded = await replica.metric('archpolicy_registry_discarded_total{what="redis-value"}');
  return [
    exactly('pods on a wrong architecture', countWrong([...verdicts, ...again], ['amd64']), 0, 'pods'),
    exactly('pods that were not placed', again.filter(({ kind }) => kind !== 'constrained').length, 0, 'pods'),
    exactly('pods refused or without an answer', countRefused([...verdicts, ...again]), 0, 'pods'),
    atLeast('values counted in archpolicy_registry_discarded_total', discarded, kinds.length - UNCOUNTED, 'values'),
    figure('kinds of values', kinds.length, 'kinds'),
    figure('values that were replaced', poisoned, 'values'),
    exactly('ends of the webhook', replica.isRunning ? 0 : 1, 0, 'ends'),
  ];
}

/** A list is answered with an error, which is no value. */
const UNCOUNTED = 1;

/** Creates a pod of each image, one after the other. Returns the keys that the webhook wrote for each of them. */
async function storeEach(
  { client }: ReachableReplica,
  redis: RedisNode,
  namespace: string,
  references: readonly string[],
): Promise<readonly (readonly Stored[])[]> {
  const all: (readonly Stored[])[] = [];
  const known = new Set<string>();
  for (const image of references) {
    await retryUnplaced(() => client.review({ namespace, images: [image] }));
    const keys = [...(await redis.keys()).keys()].filter((key) => /:(?:facts|tag):/u.test(key) && !known.has(key));
    for (const key of keys) known.add(key);
    all.push(await Promise.all(keys.sort().map(async (key) => ({ key, value: await redis.value(key) }))));
  }
  return all;
}

function flipBit(value: Buffer): Buffer {
  const changed = Buffer.from(value);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}
