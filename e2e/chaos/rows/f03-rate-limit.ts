import { setTimeout as sleep } from 'node:timers/promises';
import { FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { CleanUp } from '../parts/admission/clean-up.ts';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { countRefused, countWrong } from '../parts/admission/verdicts.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';

const REPLICAS = 3;
const IMAGES = 10;
const PODS = 1_000;
const PER_SECOND = 200;
const LIMITED_PER_SECOND = 50;
const RETRY_AFTER_SECONDS = 5;
/** A request that was sent before the 429 arrived at all replicas, through Redis. */
const IN_FLIGHT_MS = 100;
const AFTERWARDS_MS = 4_000;
const PREFERRED = ['amd64'];

const ID = 'f03';

/** A registry limits its clients. */
export const rateLimitStorm: Scenario = {
  id: 'F3',
  title: 'A registry limits its clients',
  rule: 'K4, K5, P7',
  bar: 'One request for each new image by all replicas; after a 429 none before the stated time',
  done: '1,000 pods of 10 new images at three webhooks that share a real Redis; then registries that answer 429 with Retry-After in seconds and as a date',
  fakes: [FAKE_CALLER, 'the registries: a real one does not answer 429 at will'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const redis = await new RedisNode().start();
  cleanUp(() => redis.stop());
  const replicas = await ground.webhooks(REPLICAS, { redisUrl: redis.url });
  const registry = await startRegistry(cleanUp);
  const verdicts = await openLoop({ perSecond: PER_SECOND, count: PODS }, (index) =>
    pick(replicas, index).client.review({ namespace, images: [`${registry.host}/app-${index % IMAGES}:v1`] }),
  );
  const bySeconds = await limited(cleanUp, replicas, namespace, SECONDS);
  const byDate = await limited(cleanUp, replicas, namespace, DATE);
  return [
    atMost(
      `requests to the registry for ${PODS} pods of ${IMAGES} new images, ${REPLICAS} replicas`,
      registry.requests.length,
      IMAGES,
      'requests',
    ),
    exactly('pods refused or without an answer', countRefused(verdicts), 0, 'pods'),
    exactly('pods on a wrong architecture', countWrong(verdicts, PREFERRED), 0, 'pods'),
    ...describe('Retry-After in seconds', bySeconds),
    ...describe('Retry-After as a date', byDate),
  ];
}

function describe(form: string, { early, total, limitedAnswers, refused, placed }: Limited): readonly Observation[] {
  return [
    exactly(`${form}: requests between the 429 and the stated time`, early, 0, 'requests'),
    atMost(
      `${form}: requests for ${IMAGES} images, besides those answered 429`,
      total - limitedAnswers,
      IMAGES,
      'requests',
    ),
    figure(`${form}: requests answered 429`, limitedAnswers, 'requests'),
    exactly(`${form}: pods refused or without an answer`, refused, 0, 'pods'),
    exactly(
      `${form}: images that are not known ${AFTERWARDS_MS / 1_000} s after the stated time`,
      IMAGES - placed,
      0,
      'images',
    ),
  ];
}

/** A form of Retry-After. */
interface RetryAfter {
  /** When requests are allowed again, if the first one arrived at `nowMs`. */
  readonly until: (nowMs: number) => number;
  readonly header: (untilMs: number) => string;
}

const RETRY_AFTER_MS = RETRY_AFTER_SECONDS * 1_000;
const SECONDS: RetryAfter = { until: (nowMs) => nowMs + RETRY_AFTER_MS, header: () => `${RETRY_AFTER_SECONDS}` };
const DATE: RetryAfter = {
  // A date has no fractions of a second.
  until: (nowMs) => Math.ceil(nowMs / 1_000) * 1_000 + RETRY_AFTER_MS,
  header: (untilMs) => new Date(untilMs).toUTCString(),
};

interface Limited {
  /** Requests that arrived before the stated time. */
  readonly early: number;
  readonly total: number;
  readonly limitedAnswers: number;
  readonly refused: number;
  /** The number of images that were known at the end. */
  readonly placed: number;
}

/** Reviews pods of new images of a registry that answers 429 to everything until a stated time. */
async function limited(
  cleanUp: CleanUp,
  replicas: readonly ReachableReplica[],
  namespace: string,
  { until, header }: RetryAfter,
): Promise<Limited> {
  const registry = await startRegistry(cleanUp);
  const arrivals: number[] = [];
  let limitedAtMs = 0;
  let untilMs = 0;
  let limitedAnswers = 0;
  registry.fault = () => {
    const now = Date.now();
    arrivals.push(now);
    if (limitedAtMs === 0) {
      limitedAtMs = now;
      untilMs = until(now);
    }
    if (now >= untilMs) return undefined;
    limitedAnswers += 1;
    return { kind: 'answer', status: 429, headers: { 'retry-after': header(untilMs) } };
  };
  const review = (index: number): Promise<TimedVerdict> =>
    pick(replicas, index).client.review({ namespace, images: [`${registry.host}/app-${index % IMAGES}:v1`] });
  const seconds = RETRY_AFTER_SECONDS + 1;
  const verdicts = await openLoop({ perSecond: LIMITED_PER_SECOND, count: LIMITED_PER_SECOND * seconds }, review);
  const deadline = untilMs + AFTERWARDS_MS;
  while (Date.now() < deadline) {
    await Promise.all(Array.from({ length: IMAGES }, (_, index) => review(index)));
    await sleep(250);
  }
  const last = await Promise.all(Array.from({ length: IMAGES }, (_, index) => review(index)));
  return {
    early: arrivals.filter((at) => at > limitedAtMs + IN_FLIGHT_MS && at < untilMs).length,
    total: arrivals.length,
    limitedAnswers,
    refused: countRefused([...verdicts, ...last]),
    placed: last.filter(({ kind }) => kind === 'constrained').length,
  };
}

async function startRegistry(cleanUp: CleanUp): Promise<FakeRegistry> {
  const registry = await new FakeRegistry().start();
  cleanUp(() => registry.stop());
  for (let index = 0; index < IMAGES; index += 1) {
    registry.push(`app-${index}`, 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64'], `${index}`));
  }
  return registry;
}

function pick(replicas: readonly ReachableReplica[], index: number): ReachableReplica {
  const replica = replicas[index % replicas.length];
  if (replica === undefined) throw new RangeError('a scenario needs a replica');
  return replica;
}
