import type { Observation } from '@archpolicy/testkit';
import { atMost, exactly, figure, same } from '../framework/observations.ts';
import type { Creators } from './creators.ts';
import type { PodHistories } from './pod-history.ts';
import type { ProcessSamples } from './samples.ts';
import { fitSlope } from './slope.ts';
import type { Sample, Slope } from './slope.ts';
import { NAMESPACE } from './soak-world.ts';
import type { SoakWorld } from './soak-world.ts';

/** The heap of a process grows at first, until its caches are full and its code is compiled. */
const WARM_UP_SECONDS = 300;
/** A shorter time shows nothing about a leak. */
const MIN_OBSERVED_SECONDS = 600;
/** How fast memory and sockets may provably grow: the lower end of the interval. */
const MAX_MIB_PER_HOUR = 20;
const MAX_SOCKETS_PER_HOUR = 10;
const SETTLED_SECONDS = 12 * 60;
/** How many messages a row of the page shows. */
const SHOWN = 3;

export interface SoakFindings {
  readonly minutes: number;
  readonly seed: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly world: SoakWorld;
  readonly creators: Creators;
  readonly histories: PodHistories;
  /** NaN: the pods did not settle. */
  readonly settledSeconds: number;
  readonly samples: readonly ProcessSamples[];
}

/** Returns the figures of a soak. */
export function observe(findings: SoakFindings): readonly Observation[] {
  const { minutes, seed, faults, creators, histories, settledSeconds } = findings;
  const caused = [...faults.values()].reduce((sum, count) => sum + count, 0);
  return [
    figure('it ran for', minutes, 'min'),
    figure('seed', seed),
    figure(`faults of ${faults.size} kinds`, caused, 'faults'),
    figure('pods that were seen', histories.size, 'pods'),
    figure('requests of the creators', creators.created, 'requests'),
    figure(
      'requests of the creators that failed because the API server was down',
      creators.failedWhileDown,
      'requests',
    ),
    same('objects refused', creators.refused.slice(0, SHOWN).join('; '), ''),
    ...podObservations(findings),
    atMost(
      'from the last fault until all pods of deployments run where their images run',
      settledSeconds,
      SETTLED_SECONDS,
      's',
    ),
    ...processObservations(findings),
  ];
}

function podObservations({ world, histories, creators }: SoakFindings): readonly Observation[] {
  const { live } = world.ground;
  const pods = live.pods(NAMESPACE).filter(({ deleting }) => !deleting);
  const owned = new Set(creators.deployments);
  const misplaced = pods.filter((pod) => pod.node !== '' && !histories.isRight(pod));
  const { evictions } = world;
  const uids = evictions.map(({ uid }) => uid);
  const wrong = evictions.map((eviction) => histories.faultOf(eviction)).filter((fault) => fault !== undefined);
  return [
    exactly(
      'pods of deployments on a wrong node at the end',
      misplaced.filter(({ app }) => owned.has(app)).length,
      0,
      'pods',
    ),
    figure(
      'pods without an owner on a wrong node at the end: created while no webhook could be reached, never evicted (R2)',
      misplaced.filter(({ app }) => !owned.has(app)).length,
      'pods',
    ),
    exactly(
      'pods without a node at the end, by a gate or unschedulable',
      pods.filter(({ node }) => node === '').length,
      0,
      'pods',
    ),
    figure('evictions', evictions.length, 'evictions'),
    exactly('pods evicted twice', uids.length - new Set(uids).size, 0, 'pods'),
    same('pods evicted wrongly', wrong.slice(0, SHOWN).join('; '), ''),
  ];
}

function processObservations({ world, samples }: SoakFindings): readonly Observation[] {
  const steady = samples.find(({ pid }) => pid === world.steady.pid);
  const operators = samples.filter(({ pid }) => pid !== world.steady.pid);
  const longest = operators.reduce<ProcessSamples | undefined>(
    (best, one) => (best === undefined || one.memoryMiB.length > best.memoryMiB.length ? one : best),
    undefined,
  );
  return [...slopes('the webhook', steady), ...slopes('the operator that ran longest', longest)];
}

function slopes(name: string, samples: ProcessSamples | undefined): readonly Observation[] {
  const { memoryMiB = [], sockets = [] } = samples ?? {};
  const seconds = (memoryMiB.at(-1)?.atSeconds ?? 0) - (memoryMiB[0]?.atSeconds ?? 0);
  return [
    figure(`${name}: observed for`, Math.round(seconds / 6) / 10, 'min'),
    slope(`${name}: growth of its memory`, memoryMiB, MAX_MIB_PER_HOUR, 'MiB an hour'),
    figure(`${name}: memory, most`, Math.round(Math.max(...memoryMiB.map(({ value }) => value))), 'MiB'),
    slope(`${name}: growth of its sockets`, sockets, MAX_SOCKETS_PER_HOUR, 'sockets an hour'),
    figure(`${name}: sockets, most`, Math.max(...sockets.map(({ value }) => value)), 'sockets'),
  ];
}

/** A slope with its interval, after the warm-up. It holds unless even its lower end is above the bar. */
function slope(what: string, samples: readonly Sample[], most: number, unit: string): Observation {
  const from = (samples[0]?.atSeconds ?? 0) + WARM_UP_SECONDS;
  const observed = samples.filter(({ atSeconds }) => atSeconds >= from);
  const seconds = (observed.at(-1)?.atSeconds ?? from) - from;
  if (seconds < MIN_OBSERVED_SECONDS) return { what, value: 'observed for too short a time', held: true };
  const fitted = fitSlope(observed);
  const bar = `lower end of the 95 % interval at most ${most} ${unit}`;
  if (fitted === undefined) return { what, value: 'too few samples', bar, held: false };
  return { what, value: `${render(fitted)} ${unit}`, bar, held: fitted.low <= most };
}

function render({ perHour, low, high }: Slope): string {
  const short = (value: number): string => value.toFixed(1);
  return `${short(perHour)} (${short(low)} to ${short(high)})`;
}
