import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import { findAcceptedEvictions, findEvictionsOfPod } from './audit.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

/**
 * A finalizer that keeps an evicted pod terminating until the end of the suite, so that the API server would accept a
 * second eviction.
 */
const FINALIZER = 'testkit.archpolicy.dev/held';

const createCase = (namespace: string, finalizers?: readonly string[]): Case => ({
  namespaces: [namespace],
  deferred: true,
  objects: ({ arm64 }) => [
    workload('Deployment', namespace, 'web', podTemplate('web', arm64, finalizers === undefined ? {} : { finalizers })),
  ],
});

export const killedBefore = createCase('killed-before');
export const killedAfter = createCase('killed-after', [FINALIZER]);

/** These tests begin with the first operator as leader. After them, the third operator leads. */
export function killedTests(suite: OperatorSuite): void {
  test('R8 P3 kill -9 before the eviction is sent: the next leader evicts once', async () => {
    const first = suite.leader;
    let hasArrived = false;
    first.proxy.hooks = {
      beforeForward: async () => {
        hasArrived = true;
        await first.ended();
        throw new Error('dropped by the test');
      },
    };
    await suite.enable(killedBefore);
    await suite.waitFor('the eviction to reach the proxy', () => hasArrived);
    first.send('SIGKILL');
    await first.ended();
    await suite.deleteLease();
    const [old] = suite.live.pods('killed-before');
    await suite.startOperator('second');
    await suite.waitFor('the pod to run on an arm64 node', () => suite.live.pods('killed-before').every(runsOnArm64));
    const accepted = findEvictionsOfPod(await suite.readAudit(), old?.name ?? '').map(
      ({ responseStatus }) => responseStatus?.code,
    );
    expect(accepted).toEqual([201]);
  });

  test('R8 P3 kill -9 after the eviction is accepted and before its response: there is no second eviction', async () => {
    const [old] = suite.live.pods('killed-after');
    const second = suite.leader;
    if (old === undefined) throw new Error('there is no pod to evict');
    let isAccepted = false;
    second.proxy.hooks = {
      beforeResponse: async () => {
        isAccepted = true;
        await second.ended();
      },
    };
    await suite.enable(killedAfter);
    await suite.waitFor('the eviction to be accepted', () => isAccepted);
    second.send('SIGKILL');
    await second.ended();
    await suite.deleteLease();
    const third = await suite.startOperator('third');
    const pods = await suite.waitFor('its replacement to run and the third operator to lead', async () => {
      const all = suite.live.pods('killed-after');
      return (await third.isLeading()) && all.length === 2 && all.some(runsOnArm64) && all;
    });
    expect(pods.find(({ uid }) => uid === old.uid)).toMatchObject({ deleting: true });
    expect(findAcceptedEvictions(findEvictionsOfPod(await suite.readAudit(), old.name))).toHaveLength(1);
  });
}
