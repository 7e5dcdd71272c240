import { FaultProxy } from '@archpolicy/testkit';
import { pushImage, waitFor } from '@archpolicy/e2e';
import { quantile } from '../../bench/webhook/load.ts';
import type { CleanUp } from '../parts/admission/clean-up.ts';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import type { Creation } from '../parts/admission/pod-creator.ts';

const PODS = 500;
const PER_SECOND = 50;
const IMAGES_EACH = 5;
/** The webhook delays a pod by under 2 s (P1). */
const MAX_DELAY_MS = 2_000;
const MAX_OPEN_DELAY_MS = 50;
/** The breaker opens after five failures, while the requests of four inspections may be in flight. Then 1 s, 2 s, 4 s pass between probes. */
const MAX_CONNECTIONS = 15;
const GATE_TIMEOUT_SECONDS = 30;
const SETTLED_MS = 90_000;
const PLATFORMS = ['linux/arm64'];

/** A registry with images for arm64 only. */
interface Registry {
  readonly name: string;
  readonly host: string;
  /** Whether the fault ends. Otherwise the gates of its pods are lifted without knowing the images. */
  readonly recovers: boolean;
}

const ID = 'f01';

/** A registry refuses connections, resets them, cannot speak TLS, or has no address. */
export const registryDown: Scenario = {
  id: 'F1',
  title: 'A registry refuses connections, resets them, cannot speak TLS, or has no address',
  rule: 'P1, P2, K5, PL9',
  bar: 'No pod is refused; a pod waits for at most 2 s, with the breaker open at most 50 ms longer than others; what was gated runs on right nodes after the registry is back',
  done: '500 pods at 50/s through the real API server, their images in a real registry behind TCP proxies that refuse and reset connections, at a port without TLS, and at a name that does not exist; a real operator lifts the gates',
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID, { gateTimeout: `${GATE_TIMEOUT_SECONDS}s` });
  const names = await ground.names({});
  if (typeof names === 'string') context.progress(`without NXDOMAIN: ${names}`);
  const { registries, refusing, resetting } = await prepare(ground, cleanUp, typeof names !== 'string');
  await ground.operator(typeof names === 'string' ? undefined : names);
  const { replica } = await ground.webhook(typeof names === 'string' ? {} : { resolvConf: names.resolvConf });
  await ground.serve([replica]);
  await replica.untilItMayGate();
  const creator = await ground.creator([ID]);
  const created = await openLoop({ perSecond: PER_SECOND, count: PODS }, (index) =>
    creator.create({
      namespace: ID,
      name: `pod-${index}`,
      image: `${pick(registries, index).host}/app-${index % IMAGES_EACH}:v1`,
    }),
  );
  const connections = resetting.accepted;
  await Promise.all([refusing.set({ kind: 'none' }), resetting.set({ kind: 'none' })]);
  const settled = await settle(ground);
  const isGated = new Set(created.filter((one) => one.isGated).map(({ name }) => name));
  const recovers = (name: string): boolean => pick(registries, Number(name.slice('pod-'.length))).recovers;
  return [
    ...creationFigures(registries, created),
    atMost(
      `connections to a registry that resets them, in ${PODS / PER_SECOND} s`,
      connections,
      MAX_CONNECTIONS,
      'connections',
    ),
    exactly('pods that still wait at a gate', settled.gated, 0, 'pods'),
    exactly(
      'gated pods of registries that recovered, on nodes that cannot run them',
      settled.misplaced.filter((name) => isGated.has(name) && recovers(name)).length,
      0,
      'pods',
    ),
    figure('time until all pods ran, from the end of the fault', settled.ms, 'ms'),
  ];
}

function creationFigures(registries: readonly Registry[], created: readonly Creation[]): readonly Observation[] {
  const p99 = (from: number, isDown: boolean): number => {
    const some = created.filter((_, index) => index >= from && (pick(registries, index).name === 'up') !== isDown);
    return quantile(
      some.map(({ ms }) => ms),
      0.99,
    );
  };
  // In the second half the breaker of each host is open.
  const half = PODS / 2;
  const unchanged = created.filter(({ isGated, isConstrained }) => !isGated && !isConstrained);
  return [
    exactly('pods refused', created.filter(({ status }) => status !== 201).length, 0, 'pods'),
    atMost(
      'creation of a pod whose registry is down, p99, more than of one whose registry is up',
      p99(0, true) - p99(0, false),
      MAX_DELAY_MS,
      'ms',
    ),
    atMost('the same, with the breaker open', p99(half, true) - p99(half, false), MAX_OPEN_DELAY_MS, 'ms'),
    figure('creation of a pod whose registry is up, p99', p99(0, false), 'ms'),
    figure('pods that waited at a gate', created.filter(({ isGated }) => isGated).length, 'pods'),
    figure('pods admitted unchanged, because the webhook was too slow', unchanged.length, 'pods'),
  ];
}

/** Pushes the images, and prepares registries of each kind. */
async function prepare(
  ground: AdmissionGround,
  cleanUp: CleanUp,
  hasNames: boolean,
): Promise<{
  readonly registries: readonly Registry[];
  readonly refusing: FaultProxy;
  readonly resetting: FaultProxy;
}> {
  const real = ground.cluster.get('REGISTRY');
  await Promise.all(
    Array.from({ length: IMAGES_EACH }, (_, index) => pushImage(real, `app-${index}`, 'v1', PLATFORMS)),
  );
  const port = Number(new URL(`http://${real}`).port);
  const [refusing, resetting, plain] = await Promise.all([
    new FaultProxy(port).start(),
    new FaultProxy(port).start(),
    new FaultProxy(port).start(),
  ]);
  for (const proxy of [refusing, resetting, plain]) cleanUp(() => proxy.stop());
  await refusing.set({ kind: 'refuse' });
  await resetting.set({ kind: 'reset' });
  const host = ({ port: own }: FaultProxy): string => `127.0.0.1:${own}`;
  // Without `plainHttp` the registry is asked over TLS, which it does not speak.
  await ground.addRegistry({ host: host(plain), allowAddresses: ['127.0.0.0/8'] });
  const registries: Registry[] = [
    { name: 'up', host: real, recovers: true },
    { name: 'refused', host: host(refusing), recovers: true },
    { name: 'reset', host: host(resetting), recovers: true },
    { name: 'TLS error', host: host(plain), recovers: false },
  ];
  // Without root, the lookups would leave the machine.
  if (hasNames) registries.push({ name: 'NXDOMAIN', host: 'registry.nowhere.example', recovers: false });
  return { registries, refusing, resetting };
}

/** Waits until no pod is gated and all pods are Ready. */
async function settle({ live }: AdmissionGround): Promise<{
  readonly ms: number;
  readonly gated: number;
  readonly misplaced: readonly string[];
}> {
  const startedAt = performance.now();
  await waitFor(() => live.pods(ID).length === PODS && live.pods(ID).every(({ node }) => node !== ''), {
    timeoutMs: SETTLED_MS,
    what: 'all pods to be bound',
  }).catch(() => undefined);
  const pods = live.pods(ID);
  return {
    ms: performance.now() - startedAt,
    gated: pods.filter(({ node }) => node === '').length,
    misplaced: pods.filter(({ node, architecture }) => node !== '' && architecture !== 'arm64').map(({ name }) => name),
  };
}

function pick(registries: readonly Registry[], index: number): Registry {
  const registry = registries[index % registries.length];
  if (registry === undefined) throw new RangeError('a scenario needs a registry');
  return registry;
}
