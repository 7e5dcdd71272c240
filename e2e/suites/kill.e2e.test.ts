import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pushImage, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { setTimeout as sleep } from 'node:timers/promises';
import { diagnosed } from '../support/diagnose.ts';
import { seededRandom } from '../support/random.ts';
import { deployment, namespace } from '../support/manifests.ts';
import { podsOf } from '../support/pods.ts';
import type { PlacedPod } from '../support/pods.ts';

const KILLS = 10;
/** The story lasts about this long; the kills are spread over it. */
const STORY_MS = 20_000;
const TIMEOUT_MS = 240_000;
const seed = Number(process.hrtime.bigint() % 1_000_000n);

const fits = ({ architecture, app }: PlacedPod): boolean =>
  app === 'web' || architecture === (app === 'billing' ? 'arm64' : 'amd64');

/** SIGKILL to the webhook or the operator, and a new start, as a kubelet would. */
async function killAndRestart(cluster: TestCluster, victim: 'WEBHOOK_PID' | 'OPERATOR_PID'): Promise<TestCluster> {
  process.kill(Number(cluster.get(victim)), 'SIGKILL');
  return await cluster.up('all');
}

describe(`kill -9 at ${KILLS} random moments (seed ${seed})`, () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startCluster({ only: 'control-plane' });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await cluster.stop();
  }, TIMEOUT_MS);

  test(
    'P2 webhook or operator killed at any moment and started again: the same end',
    async () => {
      const random = seededRandom(seed);
      const registry = cluster.get('REGISTRY');
      await pushImage(registry, 'billing', 'v1', ['linux/arm64']);
      await pushImage(registry, 'legacy', 'v1', ['linux/amd64']);
      await pushImage(registry, 'web', 'v1', ['linux/amd64', 'linux/arm64']);
      const apps = [
        deployment('billing', 4, `${registry}/billing:v1`, ['linux/arm64']),
        deployment('legacy', 4, `${registry}/legacy:v1`, ['linux/amd64']),
        deployment('web', 4, `${registry}/web:v1`, ['linux/amd64', 'linux/arm64']),
      ];
      await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(namespace('shop')));
      await cluster.kubectl(
        ['apply', '-n', 'shop', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: apps }),
      );
      const before = await waitFor(
        async () => {
          const pods = await podsOf(cluster.kubectl, 'shop');
          return pods.length === 12 && pods.every(({ node }) => node !== '') ? pods : undefined;
        },
        { timeoutMs: 30_000, what: 'twelve bound pods' },
      );
      cluster = await cluster.up('all');
      const patch = '{"spec":{"remediation":{"gracePeriodAfterScheduling":"1s","recheckInterval":"1m"}}}';
      await cluster.kubectl(['patch', 'archpolicy', 'default', '--type=merge', '-p', patch]);

      const moments = Array.from({ length: KILLS }, () => random() * STORY_MS).sort((a, b) => a - b);
      const begin = performance.now();
      for (const [index, moment] of moments.entries()) {
        await sleep(Math.max(0, begin + moment - performance.now()));
        cluster = await killAndRestart(cluster, random() < 0.5 ? 'WEBHOOK_PID' : 'OPERATOR_PID');
        if (index === KILLS / 2)
          await cluster.kubectl(['scale', '-n', 'shop', 'deployment', 'billing', '--replicas=6']);
      }

      const after = await diagnosed(
        () => cluster,
        async () =>
          await waitFor(
            async () => {
              const pods = await podsOf(cluster.kubectl, 'shop');
              return pods.length === 14 && pods.every((pod) => fits(pod) && pod.ready) ? pods : undefined;
            },
            { timeoutMs: 90_000, what: 'every pod to run where it can' },
          ),
      );
      const uids = new Set(after.map(({ uid }) => uid));
      expect(before.filter(fits).filter(({ uid }) => !uids.has(uid))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
