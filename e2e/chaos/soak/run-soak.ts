import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '@archpolicy/testkit';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { waitFor } from '@archpolicy/e2e';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import type { ScenarioContext } from '../framework/scenario.ts';
import { Creators } from './creators.ts';
import { listFaults } from './faults.ts';
import type { SoakFault } from './faults.ts';
import { observe } from './observe.ts';
import { PodHistories } from './pod-history.ts';
import { sampleProcesses } from './samples.ts';
import { NAMESPACE, SoakWorld } from './soak-world.ts';

/** Faults last between these, and so do the pauses between them. */
const FAULT_MS = { min: 3_000, max: 10_000 };
const PAUSE_MS = { min: 3_000, max: 8_000 };
/** From this share of the time on, no operator is ended, so that its memory can be observed. */
const OPERATORS_STAY_AFTER = 0.4;
/** A slot of an owner is held for 10 minutes after a replacement that did not come up (R6). */
const SETTLED_MS = 12 * 60_000;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
}

/** Runs the soak. Returns what it has seen. */
export async function runSoak(
  context: ScenarioContext,
  { minutes, seed }: SoakOptions,
): Promise<readonly Observation[]> {
  const world = await SoakWorld.start(context);
  const { live, cluster } = world.ground;
  const creators = new Creators({
    live,
    namespace: NAMESPACE,
    registry: cluster.get('REGISTRY'),
    reachedAs: `127.0.0.1:${world.registry.port}`,
    random: seededRandom(seed + 1),
    isApiServerDown: () => world.isApiServerDown,
  });
  const histories = new PodHistories((app) => creators.supported(app));
  const unfollow = histories.follow(live, NAMESPACE);
  context.cleanUp(() => {
    unfollow();
    return Promise.resolve();
  });
  const over = new AbortController();
  const samples = sampleProcesses(() => listPids(world), over.signal);
  const creating = creators.run(over.signal);
  const faults = await causeFaults(world, {
    // Creators take random numbers at other times in each run, so the faults have numbers of their own.
    random: seededRandom(seed),
    durationMs: minutes * 60_000,
    progress: context.progress,
  });
  over.abort();
  await creating;
  const settledSeconds = await settle(world, creators, histories);
  return observe({ minutes, seed, faults, world, creators, histories, settledSeconds, samples: await samples });
}

function listPids(world: SoakWorld): readonly number[] {
  return [world.steady.pid, ...world.operators.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))];
}

interface FaultPlan {
  readonly random: () => number;
  readonly durationMs: number;
  readonly progress: (line: string) => void;
}

/** Causes random faults, one after the other, until the time is over. Returns how often each was caused. */
async function causeFaults(
  world: SoakWorld,
  { random, durationMs, progress }: FaultPlan,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  await pause(random);
  while (elapsed() < durationMs) {
    const operatorsStay = elapsed() > durationMs * OPERATORS_STAY_AFTER;
    const fault = pickFault(random, operatorsStay);
    progress(`${Math.round(elapsed() / 1_000)} s: ${fault.name}`);
    await fault.run(world, between(FAULT_MS, random));
    await world.replaceOperators();
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
    await pause(random);
  }
  return counts;
}

function pickFault(random: () => number, operatorsStay: boolean): SoakFault {
  const possible = listFaults().filter(({ endsOperator }) => !(operatorsStay && endsOperator === true));
  const fault = possible[Math.floor(random() * possible.length)];
  if (fault === undefined) throw new RangeError('the soak has no faults');
  return fault;
}

async function pause(random: () => number): Promise<void> {
  await sleep(between(PAUSE_MS, random));
}

function between({ min, max }: { readonly min: number; readonly max: number }, random: () => number): number {
  return min + random() * (max - min);
}

/** Waits until all pods of the deployments run where their images run. Returns the seconds; NaN: they do not. */
async function settle(world: SoakWorld, creators: Creators, histories: PodHistories): Promise<number> {
  const startedAt = performance.now();
  const { live } = world.ground;
  const replicas = new Map<string, number>();
  for (const app of creators.deployments) {
    const deployment = (await live.get(DEPLOYMENTS, NAMESPACE, app)) as {
      readonly spec: { readonly replicas: number };
    };
    replicas.set(app, deployment.spec.replicas);
  }
  const isSettled = (app: string): boolean => {
    const pods = live.pods(NAMESPACE, app).filter(({ deleting }) => !deleting);
    return pods.length === replicas.get(app) && pods.every((pod) => pod.ready && histories.isRight(pod));
  };
  const all = (): boolean => creators.deployments.every(isSettled);
  return waitFor(all, { timeoutMs: SETTLED_MS, intervalMs: 500, what: 'all pods to run on right nodes' }).then(
    () => (performance.now() - startedAt) / 1_000,
    () => Number.NaN,
  );
}
