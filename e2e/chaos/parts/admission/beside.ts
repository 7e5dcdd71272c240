import { openLoop } from './open-loop.ts';
import type { ReachableReplica } from './ground.ts';
import type { TimedVerdict } from './review-client.ts';
import { spread } from '@archpolicy/testkit';
import { p99 } from './verdicts.ts';

/** The same traffic at a webhook whose Redis fails, and at one without any Redis. */
export interface BesideLoad {
  readonly failing: ReachableReplica;
  readonly without: ReachableReplica;
  readonly namespace: string;
  readonly perSecond: number;
  /** Different images for the two, in equal numbers: each pod names one of them. */
  readonly images: { readonly failing: readonly string[]; readonly without: readonly string[] };
}

export interface Beside {
  readonly failing: readonly TimedVerdict[];
  readonly without: readonly TimedVerdict[];
}

/** Sends the pods to both at the same time, so that other load of the machine affects both alike. */
export async function measureBeside({ failing, without, namespace, perSecond, images }: BesideLoad): Promise<Beside> {
  const schedule = { perSecond, count: images.failing.length };
  const send = (to: ReachableReplica, all: readonly string[]): Promise<readonly TimedVerdict[]> =>
    openLoop(schedule, (index) => to.client.review({ namespace, images: all.slice(index, index + 1) }));
  const [one, other] = await Promise.all([send(failing, images.failing), send(without, images.without)]);
  return { failing: one, without: other };
}

/** Returns how much longer the p99 of the failing one is, the median of the rounds, milliseconds. */
export function addedMs(rounds: readonly Beside[]): number {
  return spread(rounds.map(({ failing, without }) => p99(failing) - p99(without))).median;
}
