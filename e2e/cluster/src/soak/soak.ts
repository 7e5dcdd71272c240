import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { down } from '../commands/down.ts';
import { listTools } from '../components/catalogue.ts';
import type { Target } from '../components/catalogue.ts';
import type { Config } from '../config.ts';
import { ensureTools } from '../toolchain/tools.ts';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { runKilledRound, runRound } from './round.ts';
import type { RoundContext, Round } from './round.ts';

/** The target of docs/design.md for `up` with cached binaries. */
const UP_TARGET_SECONDS = 15;
/** The target for `down`, of which the webhook drains for one second. */
const DOWN_TARGET_SECONDS = 5;
/** After this many rounds, there is one round in which `up` is killed. */
const KILL_EVERY = 4;
/**
 * Kills are spread over this multiple of the median duration of `up`, so they also happen shortly after the end of
 * `up`.
 */
const KILL_SPAN = 1.2;

export interface SoakOptions {
  readonly runs: number;
  readonly seed: number;
  readonly target: Target;
  readonly config: Config;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Repeats `up` and `down` and measures them. Leftovers are logged and count as missed targets. */
export async function soak(options: SoakOptions): Promise<readonly Measurement[]> {
  const { config, runs, seed, signal, target, log } = options;
  await ensureTools(listTools(target), config, log, signal);
  const folder = await mkdtemp(join(tmpdir(), 'archpolicy-soak-'));
  const context = createContext(folder, config, target);
  await Promise.all([mkdir(context.home), mkdir(context.temporary)]);
  log(`${runs} rounds, seed ${seed}`);
  const random = seededRandom(seed);
  const rounds: Round[] = [];
  const killed: (readonly string[])[] = [];
  try {
    for (let number = 1; number <= runs; number += 1) {
      const round = await runRound(context, signal);
      rounds.push(round);
      log(
        `round ${number}: up ${round.upSeconds.toFixed(1)} s, down ${round.downSeconds.toFixed(1)} s${describeLeftovers(round.leftovers)}`,
      );
      if (number % KILL_EVERY !== 0) continue;
      const after = random() * KILL_SPAN * spread(rounds.map(({ upSeconds }) => upSeconds)).median;
      const leftovers = await runKilledRound(context, after, signal);
      killed.push(leftovers);
      log(`  kill -9 of \`up\` after ${after.toFixed(2)} s${describeLeftovers(leftovers)}`);
    }
  } finally {
    await down(context.cluster, log, new AbortController().signal);
    await rm(folder, { recursive: true, force: true });
  }
  return measurements(rounds, killed);
}

function describeLeftovers(leftovers: readonly string[]): string {
  return leftovers.length === 0 ? ', nothing left' : `, LEFTOVERS: ${leftovers.join(', ')}`;
}

function createContext(folder: string, config: Config, target: Target): RoundContext {
  return {
    cluster: join(folder, 'cluster'),
    home: join(folder, 'home'),
    temporary: join(folder, 'tmp'),
    // Use the user's cache despite the different HOME.
    environment: { ...config.environment, XDG_CACHE_HOME: dirname(config.cacheDirectory) },
    upArguments: target === 'all' ? [] : ['--only', target],
  };
}

/** Returns the measurements of docs/performance/soak.json. */
export function measurements(rounds: readonly Round[], killed: readonly (readonly string[])[]): readonly Measurement[] {
  const ups = rounds.map(({ upSeconds }) => upSeconds);
  const downs = rounds.map(({ downSeconds }) => downSeconds);
  const left = rounds.map(({ leftovers }) => leftovers.length);
  const orphans = killed.map((leftovers) => leftovers.length);
  return [
    measureSeconds('make up, binaries in the cache', ups, UP_TARGET_SECONDS),
    measureSeconds('make down', downs, DOWN_TARGET_SECONDS),
    measureCounts('processes, ports and files left after make down', left),
    ...(orphans.length === 0 ? [] : [measureCounts('left after kill -9 of make up and make down', orphans)]),
  ];
}

function measureSeconds(name: string, seconds: readonly number[], target: number): Measurement {
  const runs = seconds.map((value) => Math.round(value * 1000) / 1000);
  return { name, unit: 's', runs, target: `every run under ${target} s`, met: runs.every((run) => run < target) };
}

function measureCounts(name: string, runs: readonly number[]): Measurement {
  return { name, unit: 'items', runs, target: 'none', met: runs.every((count) => count === 0) };
}
