import { setTimeout as sleep } from 'node:timers/promises';
import { FakeRegistry, multiPlatformImage, RawServer } from '@archpolicy/testkit';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { untilConstrained } from '../parts/admission/until-constrained.ts';
import type { WebhookReplica } from '../parts/admission/webhook-replica.ts';
import { count, countRefused, p99 } from '../parts/admission/verdicts.ts';

const PER_SECOND = 20;
/** How long the registries are slow. */
const SECONDS = 45;
const FIRST_BYTE_MS = 5_000;
const BYTE_EVERY_MS = 1_000;
const SAMPLE_EVERY_MS = 1_000;
/** The bar of the row. */
const MAX_P99_MS = 2_100;
/** How much the number of sockets may differ between the second and the last third: connections may be about to be closed. */
const MAX_MORE_SOCKETS = 8;
const MAX_MORE_MIB = 24;
/** A new image at the registry that has recovered is inspected in the background or by the next pod. */
const RECOVERY_MS = 60_000;

const ID = 'f02';

/** A registry answers too late, or byte by byte. */
export const registrySlow: Scenario = {
  id: 'F2',
  title: 'A registry answers too late, or byte by byte',
  rule: 'P1, K5',
  bar: 'Every answer within 2.1 s; sockets and memory of the webhook stay flat',
  done: '20 pods a second of two registries for 45 s: one sends its first byte after 5 s, one sends a byte a second',
  fakes: [FAKE_CALLER, 'the registries: a real one does not answer slowly at will'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  await ground.operator();
  const { replica, client } = await ground.webhook();
  await replica.untilItMayGate();
  const late = await new FakeRegistry().start();
  cleanUp(() => late.stop());
  const dripping = await startDripping();
  cleanUp(() => dripping.stop());
  late.push('app', 'v1', multiPlatformImage(['linux/arm64']));
  let isSlow = true;
  late.fault = () => (isSlow ? { kind: 'late', until: sleep(FIRST_BYTE_MS) } : undefined);
  const sampling = new AbortController();
  const samples = sample(replica, sampling.signal);
  const verdicts = await openLoop({ perSecond: PER_SECOND, count: PER_SECOND * SECONDS }, (index) => {
    const host = index % 2 === 0 ? late.host : dripping.host;
    // Half of the pods have new images, as during a deployment.
    const tag = index % 4 < 2 ? 'v1' : `v${index}`;
    return client.review({ namespace, images: [`${host}/app:${tag}`] });
  });
  sampling.abort();
  const { sockets, memoryMiB } = await samples;
  isSlow = false;
  const recoveredMs = await untilConstrained(
    () => client.review({ namespace, images: [`${late.host}/app:v1`] }),
    2 * RECOVERY_MS,
  );
  const [middle, last] = thirds(sockets);
  const [middleMiB, lastMiB] = thirds(memoryMiB);
  return [
    atMost('answer to a pod of a slow registry, p99', p99(verdicts), MAX_P99_MS, 'ms'),
    exactly('pods refused or without an answer', countRefused(verdicts), 0, 'pods'),
    figure('pods gated', count(verdicts, 'gated'), 'pods'),
    atMost(
      'sockets of the webhook in the last third, more than in the second',
      Math.max(...last) - Math.max(...middle),
      MAX_MORE_SOCKETS,
      'sockets',
    ),
    figure('sockets of the webhook, most', Math.max(...sockets), 'sockets'),
    atMost(
      'memory of the webhook in the last third, more than in the second',
      mean(lastMiB) - mean(middleMiB),
      MAX_MORE_MIB,
      'MiB',
    ),
    figure('the registries were slow for', SECONDS, 's'),
    atMost('a pod of the registry is placed after it has recovered within', recoveredMs, RECOVERY_MS, 'ms'),
  ];
}

/** Starts a registry that sends the head of its answer at once, and then one byte a second. */
async function startDripping(): Promise<RawServer> {
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: application/vnd.oci.image.index.v1+json\r\ncontent-length: 1000\r\n\r\n';
  const drops = Array.from({ length: 1_000 }, () => Buffer.from(' '));
  const server = await new RawServer().start();
  server.answer = () => ({ pieces: [Buffer.from(head), ...drops], gapMs: BYTE_EVERY_MS, then: 'keep' });
  return server;
}

interface Samples {
  readonly sockets: readonly number[];
  readonly memoryMiB: readonly number[];
}

async function sample(replica: WebhookReplica, signal: AbortSignal): Promise<Samples> {
  const sockets: number[] = [];
  const memoryMiB: number[] = [];
  while (!signal.aborted) {
    sockets.push(await replica.sockets());
    memoryMiB.push(await replica.memoryMiB());
    await sleep(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return { sockets, memoryMiB };
}

/** Returns the second and the last third. */
function thirds(samples: readonly number[]): readonly [readonly number[], readonly number[]] {
  const length = Math.floor(samples.length / 3);
  return [samples.slice(length, 2 * length), samples.slice(2 * length)];
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, one) => sum + one, 0) / Math.max(1, samples.length);
}
