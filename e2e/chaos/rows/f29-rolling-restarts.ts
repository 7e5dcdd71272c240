import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@archpolicy/e2e';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { Observation } from '@archpolicy/testkit';
import { atMost, exactly, figure } from '../framework/observations.ts';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { ReviewClient } from '../parts/admission/review-client.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';
import type { Service } from '../parts/admission/service.ts';
import { count, p99 } from '../parts/admission/verdicts.ts';
import type { WebhookReplica } from '../parts/admission/webhook-replica.ts';

const ID = 'f29';
const REPLICAS = 2;
const RESTARTS = 20;
const PER_SECOND = 200;
/** Longer than a Service takes to notice. In a cluster it is 10 s by default. */
const DRAIN_SECONDS = 3;
/** The shutdown of everything after the drain takes 3.5 s at most. */
const MAX_END_MS = (DRAIN_SECONDS + 3.5) * 1_000;
const ROUTED_TIMEOUT_MS = 30_000;

/** The replicas are replaced one after the other, as a Deployment does, while reviews arrive. */
export const rollingRestarts: Scenario = {
  id: 'F29',
  title: 'Webhooks are replaced by SIGTERM while reviews arrive',
  rule: 'P1, section 8',
  bar: 'No review fails in 20 restarts at 200 reviews a second; each webhook exits with status 0 within 3.5 s after its drain',
  done: 'Two real webhooks behind a Service that routes by their readiness; 20 times a new one starts and one of the others gets SIGTERM, under keep-alive connections like those of an API server',
  fakes: [
    FAKE_CALLER,
    'the Service: a TCP proxy that probes readiness once a second, as kubelet and kube-proxy do together',
  ],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const ground = await AdmissionGround.open(context, ID);
  const registry = await new FakeRegistry().start();
  context.cleanUp(() => registry.stop());
  registry.push('app', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  const service = await ground.serve([]);
  const first = await Promise.all(Array.from({ length: REPLICAS }, () => startRouted(ground, service)));
  const client = await ReviewClient.open(ground.cluster, service.port);
  context.cleanUp(() => client.close());
  const over = new AbortController();
  const verdicts: Promise<TimedVerdict>[] = [];
  const review = (): Promise<void> => {
    verdicts.push(client.review({ namespace: ID, images: [`${registry.host}/app:v1`] }));
    return Promise.resolve();
  };
  const schedule = { perSecond: PER_SECOND, count: Number.MAX_SAFE_INTEGER, signal: over.signal };
  const loading = openLoop(schedule, review).catch(() => undefined);
  const ends = await restart(ground, service, first, context.progress);
  over.abort();
  await loading;
  const all = await Promise.all(verdicts);
  const failed = all.filter(({ kind }) => kind === 'failed');
  for (const { reason, ms } of failed.slice(0, 5)) context.progress(`failed after ${ms.toFixed(0)} ms: ${reason}`);
  return [
    exactly('reviews that failed', failed.length, 0, 'reviews'),
    exactly('reviews without a placement', all.length - count(all, 'constrained'), 0, 'reviews'),
    figure('reviews', all.length, 'reviews'),
    figure('answer, p99', p99(all), 'ms'),
    figure('restarts', ends.length, 'restarts'),
    exactly('webhooks that did not exit with status 0', ends.filter(({ code }) => code !== 0).length, 0, 'webhooks'),
    atMost(
      `from SIGTERM to the exit, with a drain of ${DRAIN_SECONDS} s, most`,
      Math.max(...ends.map(({ ms }) => ms)),
      MAX_END_MS,
      'ms',
    ),
  ];
}

interface End {
  readonly code: number | null;
  /** Milliseconds from SIGTERM to the exit. */
  readonly ms: number;
}

/** Replaces the replicas in turn. The next one starts while the former one drains. */
async function restart(
  ground: AdmissionGround,
  service: Service,
  first: readonly WebhookReplica[],
  progress: (line: string) => void,
): Promise<readonly End[]> {
  const running = [...first];
  const ends: Promise<End>[] = [];
  for (let done = 0; done < RESTARTS; done += 1) {
    running.push(await startRouted(ground, service));
    const oldest = running.shift();
    if (oldest === undefined) break;
    ends.push(terminate(oldest, service));
    if (done % 5 === 4) progress(`${done + 1} restarts`);
    await sleep(500);
  }
  return Promise.all(ends);
}

async function startRouted(ground: AdmissionGround, service: Service): Promise<WebhookReplica> {
  const replica = await ground.launch({ env: { ARCHPOLICY_DRAIN_SECONDS: String(DRAIN_SECONDS) } });
  service.add(replica);
  const what = 'the Service to route to a new webhook';
  await waitFor(() => service.routesTo(replica), { timeoutMs: ROUTED_TIMEOUT_MS, what });
  return replica;
}

async function terminate(replica: WebhookReplica, service: Service): Promise<End> {
  const startedAt = performance.now();
  replica.send('SIGTERM');
  const { code } = await replica.exited;
  service.remove(replica);
  return { code, ms: performance.now() - startedAt };
}
