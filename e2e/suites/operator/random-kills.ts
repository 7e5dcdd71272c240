import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@archpolicy/core';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { getSeed } from '../../support/seed.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const KILLS = 10;
/** The time over which kills are spread. The sequential evictions of one owner take about as long. */
const SPAN_MS = 8_000;
const REPLICAS = 4;
/** Number of replicas to which one Deployment is scaled after half of the kills. */
const SCALED_REPLICAS = 8;
const NAMESPACE = 'random-kills';
const seed = getSeed();

/** The architecture on which each application's image runs. */
const RUNS_ON: Readonly<Record<string, string>> = { billing: 'arm64', search: 'arm64', legacy: 'amd64' };
const runsNatively = ({ app, architecture }: SeenPod): boolean => RUNS_ON[app] === architecture;

export const randomKills: Case = {
  namespaces: [NAMESPACE],
  deferred: true,
  objects: (images) => {
    const deployment = (app: string, image: keyof typeof images): JsonObject =>
      workload('Deployment', NAMESPACE, app, podTemplate(app, images[image]), { replicas: REPLICAS });
    return [deployment('billing', 'arm64'), deployment('search', 'arm64'), deployment('legacy', 'amd64')];
  },
};

/** After these tests, the operator that was started last is the leader. */
export function randomKillTests(suite: OperatorSuite): void {
  test(`P2 kill -9 of webhook or operator at ${KILLS} random moments (seed ${seed}): the same result`, async () => {
    const random = seededRandom(seed);
    const before = suite.live.pods(NAMESPACE);
    const moments = Array.from({ length: KILLS }, () => random() * SPAN_MS).sort((a, b) => a - b);
    await suite.enable(randomKills);
    const begin = performance.now();
    for (const [index, moment] of moments.entries()) {
      await sleep(Math.max(0, begin + moment - performance.now()));
      await (random() < 0.5 ? suite.restartWebhook() : killLeader(suite, `killed-${index}`));
      if (index === KILLS / 2)
        await suite.live.patch(DEPLOYMENTS, NAMESPACE, 'billing', { spec: { replicas: SCALED_REPLICAS } });
    }
    const after = await suite.waitFor('every pod to run on a supported architecture', () => {
      const pods = suite.live.pods(NAMESPACE);
      return (
        pods.length === SCALED_REPLICAS + 2 * REPLICAS &&
        pods.every((pod) => runsNatively(pod) && pod.ready && !pod.deleting) &&
        pods
      );
    });
    const uids = new Set(after.map(({ uid }) => uid));
    expect(before.filter(runsNatively).filter(({ uid }) => !uids.has(uid))).toEqual([]);
  });
}

/**
 * Kills the leader. Also deletes its Lease, because the successor would otherwise wait for the end of the Lease during
 * most of the test.
 */
async function killLeader(suite: OperatorSuite, successor: string): Promise<void> {
  suite.leader.send('SIGKILL');
  await suite.leader.ended();
  await suite.deleteLease();
  await suite.startOperator(successor);
}
