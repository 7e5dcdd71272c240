import { budget } from '../../support/manifests.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { runsOnArm64 } from '../../suites/operator/cases.ts';
import { atMost, exactly, holds } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { accepted, createMisplaced } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';

const NAMESPACE = 'f21';
const REPLICAS = 3;
const OBSERVED_MS = 30_000;
/** Of all pods of the budget one is retried, after 10, 30 and 70 s. Pods that are Ready and others back off separately. */
const MAX_ATTEMPTS = 6;

/** Every replica of an application crashes on the wrong architecture, and a budget protects it. */
export const budgetOfCrashingPods: Scenario = {
  id: 'F21',
  title: 'All replicas of an application crash on the wrong architecture, and a disruption budget covers them',
  rule: 'R8, P3',
  bar: 'Under AlwaysAllow they are moved. Under IfHealthyBudget, which can never be met, an event names the remedy within a minute, and the attempts back off',
  done: `Two Deployments of ${REPLICAS} crashing pods with real budgets, one of each unhealthyPodEvictionPolicy, for ${OBSERVED_MS / 1_000} s`,
  run: async (context) => {
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, ['blocked', 'allowed'], { replicas: REPLICAS });
    const spec = { minAvailable: 2 };
    await chaos.apply([
      budget(NAMESPACE, 'blocked', { app: 'blocked' }, { ...spec, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }),
      budget(NAMESPACE, 'allowed', { app: 'allowed' }, { ...spec, unhealthyPodEvictionPolicy: 'AlwaysAllow' }),
    ]);
    const leader = await startLeader(context, NAMESPACE);
    const begin = performance.now();
    await chaos.enable(NAMESPACE);
    const event = await chaos.waitFor('the event', () =>
      chaos.live.events(NAMESPACE, 'DisruptionBudget').find(({ regarding }) => regarding.startsWith('blocked-')),
    );
    const untilEvent = (performance.now() - begin) / 1_000;
    await chaos.waitFor('the pods under AlwaysAllow to run on arm64 nodes', () => {
      const pods = chaos.live.pods(NAMESPACE, 'allowed');
      return pods.length === REPLICAS && pods.every(runsOnArm64);
    });
    await sleep(Math.max(0, begin + OBSERVED_MS - performance.now()));
    const blocked = leader.proxy.evictions.filter(({ pod }) => pod.startsWith('blocked-'));
    return [
      exactly('accepted evictions under AlwaysAllow', accepted(leader.proxy.evictions).length, REPLICAS),
      exactly('accepted evictions under IfHealthyBudget', accepted(blocked).length, 0),
      atMost('from the start until the event', untilEvent, 60, 's'),
      holds('the event names the remedy', event.note.includes('set its unhealthyPodEvictionPolicy to AlwaysAllow')),
      atMost(
        `attempts under IfHealthyBudget in ${OBSERVED_MS / 1_000} s, of ${REPLICAS} pods`,
        blocked.length,
        MAX_ATTEMPTS,
      ),
    ];
  },
};
