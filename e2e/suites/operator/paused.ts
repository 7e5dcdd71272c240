import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import { findEvictionsOfPod } from './audit.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

/** A pod whose eviction is in flight while the leader is paused. */
export const begun: Case = {
  namespaces: ['begun'],
  deferred: true,
  objects: ({ arm64 }) => [workload('Deployment', 'begun', 'web', podTemplate('web', arm64))],
};

/** Pods that both the former and the new leader find. They have several owners, so that the evictions take a while. */
export const waiting: Case = {
  namespaces: ['waiting'],
  deferred: true,
  objects: ({ arm64 }) =>
    ['a', 'b', 'c', 'd'].map((app) => workload('Deployment', 'waiting', app, podTemplate(app, arm64), { replicas: 4 })),
};

export function pausedTests(suite: OperatorSuite): void {
  test('P3 R8 a leader that was paused for longer than its Lease evicts nothing afterwards', async () => {
    const former = suite.leader;
    let hasArrived = false;
    const release = Promise.withResolvers<undefined>();
    former.proxy.hooks = {
      beforeForward: async ({ namespace }) => {
        if (namespace !== 'begun') return;
        hasArrived = true;
        await release.promise;
      },
    };
    await suite.waitFor('it to lead', () => former.isLeading());
    const standby = await suite.startOperator('standby');
    await suite.enable(begun);
    await suite.waitFor('the eviction to reach the proxy', () => hasArrived);
    const [pod] = suite.live.pods('begun');
    former.send('SIGSTOP');
    await suite.enable(waiting);
    await suite.waitFor('the standby to lead', () => standby.isLeading());

    // From now on, both operators run, but only the new leader may evict.
    const seen = former.proxy.evictions.length;
    former.send('SIGCONT');
    const isDone = (namespace: string): boolean => suite.live.pods(namespace).every(runsOnArm64);
    await suite.waitFor('the standby to evict the pod of the delayed eviction', () => isDone('begun'));
    // A delayed eviction cannot be cancelled, so it arrives after the standby has evicted the pod.
    release.resolve(undefined);
    await suite.waitFor('all others to run on arm64 nodes', () => isDone('waiting'));

    expect(await former.ended()).toBe(1);
    expect(former.proxy.evictions.slice(seen)).toEqual([]);
    expect(await former.log()).toContain('the Lease was lost');
    const late = former.proxy.evictions.find(({ namespace }) => namespace === 'begun');
    await suite.waitFor('the response to the delayed eviction', () => late?.status);
    expect([404, 409]).toContain(late?.status);
    const codes = findEvictionsOfPod(await suite.readAudit(), pod?.name ?? '').map(
      ({ responseStatus }) => responseStatus?.code,
    );
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
  });
}
