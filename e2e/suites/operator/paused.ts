import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import { evictionsOf } from './audit.ts';
import { runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

/** Its eviction is on its way while the leader is stopped. */
export const begun: Case = {
  namespaces: ['begun'],
  later: true,
  objects: ({ arm64 }) => [workload('Deployment', 'begun', 'web', podTemplate('web', arm64))],
};

/** Work that both the former leader and the new one find: several owners, so that it lasts a moment. */
export const waiting: Case = {
  namespaces: ['waiting'],
  later: true,
  objects: ({ arm64 }) =>
    ['a', 'b', 'c', 'd'].map((app) => workload('Deployment', 'waiting', app, podTemplate(app, arm64), { replicas: 4 })),
};

export function pausedTests(world: World): void {
  test('P3 R8 a leader that is stopped for longer than its Lease and goes on evicts nothing any more', async () => {
    const former = world.leader;
    let hasArrived = false;
    const release = Promise.withResolvers<undefined>();
    former.proxy.hooks = {
      beforeForward: async ({ namespace }) => {
        if (namespace !== 'begun') return;
        hasArrived = true;
        await release.promise;
      },
    };
    await world.until('it to lead', () => former.isLeading());
    const standby = await world.operator('standby');
    await world.open(begun);
    await world.until('the eviction to be on its way', () => hasArrived);
    const [pod] = world.live.pods('begun');
    former.send('SIGSTOP');
    await world.open(waiting);
    await world.until('the standby to lead', () => standby.isLeading());

    // From here on there is work for two, and one of them may do it.
    const seen = former.proxy.evictions.length;
    former.send('SIGCONT');
    const isDone = (namespace: string): boolean => world.live.pods(namespace).every(runsRight);
    await world.until('the standby to have evicted what the other had begun', () => isDone('begun'));
    // What is on its way cannot be called back: it arrives after the standby has evicted the pod.
    release.resolve(undefined);
    await world.until('all others to run on arm64 nodes', () => isDone('waiting'));

    expect(await former.ended()).toBe(1);
    expect(former.proxy.evictions.slice(seen)).toEqual([]);
    expect(await former.log()).toContain('the Lease was lost');
    const late = former.proxy.evictions.find(({ namespace }) => namespace === 'begun');
    await world.until('the answer to what was on its way', () => late?.status);
    expect([404, 409]).toContain(late?.status);
    const codes = evictionsOf(await world.audit(), pod?.name ?? '').map(({ responseStatus }) => responseStatus?.code);
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
  });
}
