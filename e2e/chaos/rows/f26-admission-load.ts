import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import { openLoop as openConnections, quantile } from '../../bench/webhook/load.ts';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import type { Creation } from '../parts/admission/pod-creator.ts';
import { buildReview } from '../parts/admission/reviews.ts';

/** An API server opens one for each pod that is being created. */
const CONNECTIONS = 200;
const WARM_PER_SECOND = 500;
const WARM_SECONDS = 10;
const MAX_WARM_P99_MS = 50;
/** More than a replica answers on one core. */
const OVERLOAD_PER_SECOND = 6_000;
const OVERLOAD_SECONDS = 4;
/** The webhook delays a pod by less than 2 s (P1). */
const MAX_ADDED_MS = 2_000;
const SKIPPED = 'f26-without';
const STORM_PER_MINUTE = 5_000;
const STORM_SECONDS = 20;
const IMAGES = 20;
/** Outcomes of a review that is not answered with 200. */
const NOT_OK = ['malformed', 'excessive', 'dropped'];

const ID = 'f26';

/** Many pods at once. */
export const admissionLoad: Scenario = {
  id: 'F26',
  title: 'Many pods at once',
  rule: 'P1',
  bar: '500 reviews a second with a p99 of 50 ms and no answer but 200; over the capacity pods are admitted, unchanged where the queue is too long',
  done: 'A real webhook: 500 reviews a second, then 6,000; 5,000 pods a minute through the real API server',
  fakes: ['the registry: its images are read once'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const registry = await new FakeRegistry().start();
  cleanUp(() => registry.stop());
  for (let index = 0; index < IMAGES; index += 1) {
    registry.push(`app-${index}`, 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64'], `${index}`));
  }
  const webhook = await ground.webhook();
  await webhook.client.review({ namespace, images: [`${registry.host}/app-0:v1`] });
  const body = buildReview({ namespace, images: [`${registry.host}/app-0:v1`] });
  return [
    ...(await warm(ground, webhook, body)),
    ...(await overload(ground, webhook, body)),
    ...(await storm(ground, webhook, (index) => `${registry.host}/app-${index % IMAGES}:v1`)),
  ];
}

/** Sends the same review at a rate. Returns the latencies. */
async function send(
  { cluster }: AdmissionGround,
  { replica }: ReachableReplica,
  body: Buffer,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly number[]> {
  const ca = await readFile(join(cluster.directory, 'webhook-tls', 'ca.crt'), 'utf8');
  return openConnections({ port: replica.port, ca, body }, CONNECTIONS, perSecond, seconds * 1_000);
}

async function warm(ground: AdmissionGround, webhook: ReachableReplica, body: Buffer): Promise<readonly Observation[]> {
  const latencies = await send(ground, webhook, body, { perSecond: WARM_PER_SECOND, seconds: WARM_SECONDS });
  return [
    atMost(
      `${WARM_PER_SECOND} reviews a second of a known image, p99`,
      quantile(latencies, 0.99),
      MAX_WARM_P99_MS,
      'ms',
    ),
    exactly('of them without an answer', WARM_PER_SECOND * WARM_SECONDS - latencies.length, 0, 'reviews'),
  ];
}

async function overload(
  ground: AdmissionGround,
  webhook: ReachableReplica,
  body: Buffer,
): Promise<readonly Observation[]> {
  const { replica } = webhook;
  const countNotOk = async (): Promise<number> =>
    (await Promise.all(NOT_OK.map((outcome) => replica.metric(series(outcome))))).reduce((sum, one) => sum + one, 0);
  const [shedBefore, notOkBefore] = [await replica.metric(series('shed')), await countNotOk()];
  const latencies = await send(ground, webhook, body, { perSecond: OVERLOAD_PER_SECOND, seconds: OVERLOAD_SECONDS });
  const [shed, notOk] = [await replica.metric(series('shed')), await countNotOk()];
  return [
    exactly(`${OVERLOAD_PER_SECOND} reviews a second: answers other than 200`, notOk - notOkBefore, 0, 'answers'),
    figure(
      `${OVERLOAD_PER_SECOND} reviews a second: admitted unchanged because the queue was too long`,
      shed - shedBefore,
      'reviews',
    ),
    figure(
      `${OVERLOAD_PER_SECOND} reviews a second: p99 from the time at which a review was due`,
      quantile(latencies, 0.99),
      'ms',
    ),
    exactly('ends of the webhook', replica.isRunning ? 0 : 1, 0, 'ends'),
  ];
}

function series(outcome: string): string {
  return `archpolicy_admission_reviews_total{outcome="${outcome}"}`;
}

/** Creates pods through the API server, in turn in namespaces with and without the webhook. */
async function storm(
  ground: AdmissionGround,
  { replica }: ReachableReplica,
  image: (index: number) => string,
): Promise<readonly Observation[]> {
  await ground.operator();
  await ground.serve([replica]);
  await replica.untilItMayGate();
  await ground.chaos.createNamespace(SKIPPED, {}, { skip: true });
  const creator = await ground.creator([ID, SKIPPED]);
  const perSecond = STORM_PER_MINUTE / 60;
  const created = await openLoop({ perSecond, count: Math.round(perSecond * STORM_SECONDS) }, (index) =>
    creator.create({
      namespace: index % 2 === 0 ? ID : SKIPPED,
      name: `pod-${index}`,
      image: image(Math.floor(index / 2)),
    }),
  );
  const withWebhook = created.filter((_, index) => index % 2 === 0);
  const without = created.filter((_, index) => index % 2 === 1);
  const p99 = (creations: readonly Creation[]): number =>
    quantile(
      creations.map(({ ms }) => ms),
      0.99,
    );
  return [
    exactly(
      `${STORM_PER_MINUTE} pods a minute through the API server: pods refused`,
      created.filter(({ status }) => status !== 201).length,
      0,
      'pods',
    ),
    atMost('creation with the webhook, p99, more than without', p99(withWebhook) - p99(without), MAX_ADDED_MS, 'ms'),
    figure('creation without the webhook, p99', p99(without), 'ms'),
    figure('pods admitted unchanged', withWebhook.filter((one) => !one.isConstrained && !one.isGated).length, 'pods'),
    figure('pods created with the webhook', withWebhook.length, 'pods'),
  ];
}
