import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import type { CleanUp } from '../parts/admission/clean-up.ts';
import { atLeast, atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { untilConstrained } from '../parts/admission/until-constrained.ts';
import { countRefused } from '../parts/admission/verdicts.ts';

const SEED = 4;
const IMAGES = 200;
const PER_SECOND = 40;
const STATUSES = [500, 502, 503, 504];
const OUTAGE_SECONDS = 12;
/** Five failures open the breaker; requests of four inspections may be in flight. */
const MAX_BEFORE_OPEN = 9;
/** Probes after 1 s, 2 s and 4 s; a fourth follows after 8 s. */
const MAX_PROBES = 4;
const MAX_AMPLIFICATION = 2;
/** The longest time for which the breaker stays open. */
const RECOVERY_MS = 30_000;
/** The breaker has opened this long after the first error, before its first probe. */
const OPENED_MS = 700;
/** The first time for which the breaker is open, and some inaccuracy of timers. */
const MIN_PROBE_GAP_MS = 900;

const ID = 'f04';

/** A registry answers with errors, at times or for some seconds. */
export const registryFlapping: Scenario = {
  id: 'F4',
  title: 'A registry answers with errors, at times or for some seconds',
  rule: 'K5, P1',
  bar: 'At most twice as many requests as images; while the breaker is open one probe at a time',
  done: '40 pods a second: 200 new images of a registry half of whose answers are errors, then 12 s of 503',
  fakes: [FAKE_CALLER, 'the registry: a real one does not fail at will'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const webhook = await ground.webhook();
  return [...(await flap(cleanUp, webhook, namespace)), ...(await outage(cleanUp, webhook, namespace))];
}

/** Half of the answers are errors, in random order. */
async function flap(
  cleanUp: CleanUp,
  { client }: ReachableReplica,
  namespace: string,
): Promise<readonly Observation[]> {
  const registry = await startRegistry(cleanUp);
  const random = seededRandom(SEED);
  registry.fault = () => (random() < 0.5 ? undefined : { kind: 'answer', status: pickStatus(random) });
  const verdicts = await openLoop({ perSecond: PER_SECOND, count: IMAGES }, (index) =>
    client.review({ namespace, images: [`${registry.host}/app:v${index}`] }),
  );
  return [
    atMost(
      `half of the answers are errors: requests for ${IMAGES} new images, of a pod each`,
      registry.requests.length,
      MAX_AMPLIFICATION * IMAGES,
      'requests',
    ),
    exactly('half of the answers are errors: pods refused or without an answer', countRefused(verdicts), 0, 'pods'),
  ];
}

/** All answers are errors for some seconds. */
async function outage(
  cleanUp: CleanUp,
  { client }: ReachableReplica,
  namespace: string,
): Promise<readonly Observation[]> {
  const registry = await startRegistry(cleanUp);
  const arrivals: number[] = [];
  let isOut = true;
  registry.fault = () => {
    if (!isOut) return undefined;
    arrivals.push(performance.now());
    return { kind: 'answer', status: 503 };
  };
  const verdicts = await openLoop({ perSecond: PER_SECOND, count: PER_SECOND * OUTAGE_SECONDS }, (index) =>
    client.review({ namespace, images: [`${registry.host}/app:v${index % IMAGES}`] }),
  );
  const during = registry.requests.length;
  isOut = false;
  const review = () => client.review({ namespace, images: [`${registry.host}/app:v1`] });
  const recoveredMs = await untilConstrained(review, 2 * RECOVERY_MS);
  return [
    atMost(
      `${OUTAGE_SECONDS} s of errors: requests for ${verdicts.length} pods`,
      during,
      MAX_BEFORE_OPEN + MAX_PROBES,
      'requests',
    ),
    atLeast(
      `${OUTAGE_SECONDS} s of errors: shortest time between two probes`,
      shortestGap(listProbes(arrivals)),
      MIN_PROBE_GAP_MS,
      'ms',
    ),
    exactly(`${OUTAGE_SECONDS} s of errors: pods refused or without an answer`, countRefused(verdicts), 0, 'pods'),
    atMost('a pod is placed after the end of the errors within', recoveredMs, RECOVERY_MS, 'ms'),
    figure('seed of the errors', SEED, ''),
  ];
}

async function startRegistry(cleanUp: CleanUp): Promise<FakeRegistry> {
  const registry = await new FakeRegistry().start();
  cleanUp(() => registry.stop());
  for (let index = 0; index < IMAGES; index += 1) {
    registry.push('app', `v${index}`, multiPlatformImage(['linux/amd64', 'linux/arm64'], `${index}`));
  }
  return registry;
}

/** Returns the requests that were sent while the breaker was open: it opens within the first requests. */
function listProbes(arrivals: readonly number[]): readonly number[] {
  const [first = 0] = arrivals;
  return arrivals.filter((at) => at > first + OPENED_MS);
}

function shortestGap(times: readonly number[]): number {
  return Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
}

function pickStatus(random: () => number): number {
  return STATUSES[Math.floor(random() * STATUSES.length)] ?? 503;
}
