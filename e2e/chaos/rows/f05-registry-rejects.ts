import { FakeRegistry, FaultProxy, multiPlatformImage } from '@archpolicy/testkit';
import { pushImage } from '@archpolicy/e2e';
import { SECRETS } from '@archpolicy/kube';
import type { CleanUp } from '../parts/admission/clean-up.ts';
import { atMost, exactly } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { ReachableReplica } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';
import { untilConstrained } from '../parts/admission/until-constrained.ts';
import { countRefused } from '../parts/admission/verdicts.ts';
import { PrivateRegistry } from '../../support/private-registry.ts';

const PER_SECOND = 10;
const SECONDS = 3;
/** Negative results live 30 s (K3), pull secrets 60 s. */
const RECOVERY_MS = 60_000;
/** One request, and one more for the challenge discovery. */
const MAX_REQUESTS = 2;

/** One cause of rejections. */
interface Case {
  readonly name: string;
  readonly review: () => Promise<TimedVerdict>;
  /** The requests that the registry received; undefined if they are not counted. */
  readonly requests?: () => number;
  readonly remove: () => Promise<unknown>;
}

const ID = 'f05';

/** A registry answers 401, 403 or 404 until the cause is removed. */
export const registryRejects: Scenario = {
  id: 'F5',
  title: 'A registry answers 401, 403 or 404 until the cause is removed',
  rule: 'I4, K3',
  bar: 'No retries; the pods of an image are placed again within 60 s after its push or the correction of its secret',
  done: 'An image of a real registry that is pushed after the first pods; a pull secret of a real registry with tokens whose password is corrected; a registry that rejects everything for a while',
  fakes: [FAKE_CALLER, 'the registry that answers 403: a real one does not at will'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const webhook = await ground.webhook();
  const cases = await Promise.all([
    missing(ground, cleanUp, webhook, namespace),
    forbidden(cleanUp, webhook, namespace),
    wrongPassword(ground, cleanUp, webhook, namespace),
  ]);
  return (await Promise.all(cases.map(runCase))).flat();
}

async function runCase({ name, review, requests, remove }: Case): Promise<readonly Observation[]> {
  const verdicts = await openLoop({ perSecond: PER_SECOND, count: PER_SECOND * SECONDS }, review);
  const during = requests?.();
  await remove();
  const recoveredMs = await untilConstrained(review, 2 * RECOVERY_MS);
  return [
    ...(during === undefined
      ? []
      : [atMost(`${name}: requests for ${verdicts.length} pods of one image`, during, MAX_REQUESTS, 'requests')]),
    exactly(`${name}: pods refused or without an answer`, countRefused(verdicts), 0, 'pods'),
    atMost(`${name}: a pod is placed after the cause is removed within`, recoveredMs, RECOVERY_MS, 'ms'),
  ];
}

/** An image of a real registry that is pushed after the first pods. */
async function missing(
  { cluster }: AdmissionGround,
  cleanUp: CleanUp,
  { client }: ReachableReplica,
  namespace: string,
): Promise<Case> {
  const { port } = new URL(`http://${cluster.get('REGISTRY')}`);
  const proxy = await new FaultProxy(Number(port)).start();
  cleanUp(() => proxy.stop());
  const image = `127.0.0.1:${proxy.port}/pushed-late:v1`;
  return {
    name: '404',
    review: () => client.review({ namespace, images: [image] }),
    requests: () => proxy.received.toString('latin1').split(' /v2/pushed-late/').length - 1,
    remove: () => pushImage(cluster.get('REGISTRY'), 'pushed-late', 'v1', ['linux/arm64']),
  };
}

/** A registry that rejects everything with 403 for some time, as while a firewall rule or a billing problem lasts. */
async function forbidden(cleanUp: CleanUp, { client }: ReachableReplica, namespace: string): Promise<Case> {
  const registry = await new FakeRegistry().start();
  cleanUp(() => registry.stop());
  registry.push('app', 'v1', multiPlatformImage(['linux/arm64']));
  registry.fault = () => ({ kind: 'answer', status: 403 });
  return {
    name: '403',
    review: () => client.review({ namespace, images: [`${registry.host}/app:v1`] }),
    requests: () => registry.requests.length,
    remove: () => {
      registry.fault = () => undefined;
      return Promise.resolve();
    },
  };
}

/** A pull secret of a real registry with tokens has a wrong password, which is then corrected. */
async function wrongPassword(
  { live }: AdmissionGround,
  cleanUp: CleanUp,
  { client }: ReachableReplica,
  namespace: string,
): Promise<Case> {
  const registry = await PrivateRegistry.start();
  cleanUp(() => registry.stop());
  await live.create(SECRETS, namespace, registry.secret(namespace, 'wrong'));
  return {
    name: '401',
    review: () => client.review({ namespace, images: [registry.image.reference], pullSecrets: ['pull'] }),
    remove: async () => {
      await live.remove(SECRETS, namespace, 'pull');
      await live.create(SECRETS, namespace, registry.secret(namespace));
    },
  };
}
