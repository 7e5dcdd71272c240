import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '@archpolicy/e2e';
import type { Observation } from '@archpolicy/testkit';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { quantile } from '../../bench/webhook/load.ts';

const ID = 'f30';
const REPLICAS = 3;
const PER_SECOND = 50;
const SECONDS = 12;
const KILL_EVERY_MS = 4_000;
const KILLS = 2;
const CONNECTIONS = 32;
/** The API server waits for a webhook for 2 s, and twice if a later webhook changes the pod (P1). */
const MAX_CREATION_MS = 4_500;

/** Webhooks are killed while pods are created. */
export const webhookKilled: Scenario = {
  id: 'F30',
  title: 'Webhooks are killed by SIGKILL while pods are created',
  rule: 'P1, P2',
  bar: 'No pod is refused; pods are admitted unchanged only if their review was in flight, or went to the dead webhook before the Service noticed',
  done: 'Three real webhooks behind a Service; two of them get SIGKILL while pods are created through the real API server at 50/s; a new one replaces each',
  fakes: ['the Service: a TCP proxy that probes readiness once a second'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const ground = await AdmissionGround.open(context, ID);
  const { reference } = await pushImage(ground.cluster.get('REGISTRY'), ID, 'v1', ['linux/arm64']);
  const replicas = await ground.webhooks(REPLICAS);
  await Promise.all(replicas.map(({ client }) => client.review({ namespace: ID, images: [reference] })));
  const service = await ground.serve(replicas.map(({ replica }) => replica));
  const creator = await ground.creator([ID], CONNECTIONS);
  let atKill = 0;
  let open = 0;
  const kill = async (): Promise<void> => {
    for (const { replica } of replicas.slice(0, KILLS)) {
      await sleep(KILL_EVERY_MS);
      atKill += open;
      replica.send('SIGKILL');
      service.add(await ground.launch());
    }
  };
  const [created] = await Promise.all([
    openLoop({ perSecond: PER_SECOND, count: PER_SECOND * SECONDS }, async (index) => {
      open += 1;
      const creation = await creator.create({ namespace: ID, name: `pod-${index}`, image: reference });
      open -= 1;
      return creation;
    }),
    kill(),
  ]);
  const unchanged = created.filter(({ isConstrained, isGated }) => !isConstrained && !isGated);
  const times = created.map(({ ms }) => ms);
  return [
    exactly('pods refused', created.filter(({ status }) => status !== 201).length, 0, 'pods'),
    // Until a probe notices, every third new connection goes to the dead webhook.
    atMost('pods admitted unchanged', unchanged.length, atKill + KILLS * PER_SECOND, 'pods'),
    figure('creations in flight at the kills', atKill, 'pods'),
    atMost('slowest creation', Math.max(...times), MAX_CREATION_MS, 'ms'),
    figure('creation, p99', quantile(times, 0.99), 'ms'),
    figure('pods created', created.length, 'pods'),
  ];
}
