import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import { acceptedEvictions, evictionsOf } from './audit.ts';
import { runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

/** Keeps an evicted pod terminating for as long as the suite lasts: all the time a second eviction could be asked for. */
const FINALIZER = 'testkit.archpolicy.dev/held';

const one = (namespace: string, finalizers?: readonly string[]): Case => ({
  namespaces: [namespace],
  later: true,
  objects: ({ arm64 }) => [
    workload('Deployment', namespace, 'web', podTemplate('web', arm64, finalizers === undefined ? {} : { finalizers })),
  ],
});

export const killedBefore = one('killed-before');
export const killedAfter = one('killed-after', [FINALIZER]);

/** The first operator leads; a second and a third follow, and the third leads afterwards. */
export function killedTests(world: World): void {
  test('R8 P3 kill -9 before the eviction is sent: the next leader evicts, once', async () => {
    const first = world.leader;
    let hasArrived = false;
    first.proxy.hooks = {
      beforeForward: async () => {
        hasArrived = true;
        await first.ended();
        throw new Error('it was never sent');
      },
    };
    await world.open(killedBefore);
    await world.until('the eviction to be on its way', () => hasArrived);
    first.send('SIGKILL');
    await first.ended();
    await world.forgetLeader();
    const [old] = world.live.pods('killed-before');
    await world.operator('second');
    await world.until('the pod to run on an arm64 node', () => world.live.pods('killed-before').every(runsRight));
    const accepted = evictionsOf(await world.audit(), old?.name ?? '').map(
      ({ responseStatus }) => responseStatus?.code,
    );
    expect(accepted).toEqual([201]);
  });

  test('R8 P3 kill -9 after the eviction was accepted and before its answer: there is no second one', async () => {
    const [old] = world.live.pods('killed-after');
    const second = world.leader;
    if (old === undefined) throw new Error('there is no pod to evict');
    let isAccepted = false;
    second.proxy.hooks = {
      beforeResponse: async () => {
        isAccepted = true;
        await second.ended();
      },
    };
    await world.open(killedAfter);
    await world.until('the eviction to be accepted', () => isAccepted);
    second.send('SIGKILL');
    await second.ended();
    await world.forgetLeader();
    const third = await world.operator('third');
    const pods = await world.until('its replacement to run, and the third to have taken over', async () => {
      const all = world.live.pods('killed-after');
      return (await third.isLeading()) && all.length === 2 && all.some(runsRight) && all;
    });
    expect(pods.find(({ uid }) => uid === old.uid)).toMatchObject({ deleting: true });
    expect(acceptedEvictions(evictionsOf(await world.audit(), old.name))).toHaveLength(1);
  });
}
