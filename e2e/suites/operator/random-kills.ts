import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@archpolicy/core';
import { seededRandom } from '@archpolicy/e2e';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { getSeed } from '../../support/seed.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const KILLS = 10;
/** The kills are spread over this; the evictions of one owner, one at a time, last about as long. */
const STORY_MS = 8_000;
const REPLICAS = 4;
/** Of one of the three, halfway. */
const MORE = 8;
const NAMESPACE = 'random-kills';
const seed = getSeed();

/** Where each application's image can run. */
const RUNS_ON: Readonly<Record<string, string>> = { billing: 'arm64', search: 'arm64', legacy: 'amd64' };
const fits = ({ app, architecture }: SeenPod): boolean => RUNS_ON[app] === architecture;

export const randomKills: Case = {
  namespaces: [NAMESPACE],
  later: true,
  objects: (images) => {
    const deployment = (app: string, image: keyof typeof images): JsonObject =>
      workload('Deployment', NAMESPACE, app, podTemplate(app, images[image]), { replicas: REPLICAS });
    return [deployment('billing', 'arm64'), deployment('search', 'arm64'), deployment('legacy', 'amd64')];
  },
};

/** Afterwards an operator leads that was started last. */
export function randomKillTests(world: World): void {
  test(`P2 kill -9 of webhook or operator at ${KILLS} random moments (seed ${seed}): the same end`, async () => {
    const random = seededRandom(seed);
    const before = world.live.pods(NAMESPACE);
    const moments = Array.from({ length: KILLS }, () => random() * STORY_MS).sort((a, b) => a - b);
    await world.open(randomKills);
    const begin = performance.now();
    for (const [index, moment] of moments.entries()) {
      await sleep(Math.max(0, begin + moment - performance.now()));
      await (random() < 0.5 ? world.killWebhook() : killLeader(world, `killed-${index}`));
      if (index === KILLS / 2) await world.live.patch(DEPLOYMENTS, NAMESPACE, 'billing', { spec: { replicas: MORE } });
    }
    const after = await world.until('every pod to run where it can', () => {
      const pods = world.live.pods(NAMESPACE);
      return (
        pods.length === MORE + 2 * REPLICAS && pods.every((pod) => fits(pod) && pod.ready && !pod.deleting) && pods
      );
    });
    const uids = new Set(after.map(({ uid }) => uid));
    expect(before.filter(fits).filter(({ uid }) => !uids.has(uid))).toEqual([]);
  });
}

/** Its successor is there at once, as if the Lease had run out: else nobody would lead for most of the story. */
async function killLeader(world: World, successor: string): Promise<void> {
  world.leader.send('SIGKILL');
  await world.leader.ended();
  await world.forgetLeader();
  await world.operator(successor);
}
