import { expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { budget, podTemplate, workload } from '../../support/manifests.ts';
import type { PodOptions } from '../../support/manifests.ts';
import { acceptedEvictions, evictions, evictionsOf } from './audit.ts';
import { runsRight } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { World } from './world.ts';

const NAMESPACE = 'budgets';
const READY = 'budgets-ready';

/** A budget that can never be met: its only pod crashes, and were it well, two are wanted. */
const NEVER_MET = { minAvailable: 2 };

function crashing(app: string, { arm64 }: Images, options: PodOptions = {}): JsonObject {
  return workload('Deployment', NAMESPACE, app, podTemplate(app, arm64, options), { replicas: 1 });
}

/** Pods that crash under PodDisruptionBudgets of every sort. Pending pods would not be asked for any. */
export const budgets: Case = {
  namespaces: [NAMESPACE],
  objects: (images) => [
    crashing('nothing', images),
    budget(NAMESPACE, 'nothing', { app: 'nothing' }, { minAvailable: 0 }),
    crashing('blocking', images),
    budget(NAMESPACE, 'blocking', { app: 'blocking' }, { ...NEVER_MET, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }),
    crashing('always', images),
    budget(NAMESPACE, 'always', { app: 'always' }, { ...NEVER_MET, unhealthyPodEvictionPolicy: 'AlwaysAllow' }),
    crashing('met', images, { labels: { budget: 'met' } }),
    workload('Deployment', NAMESPACE, 'friend', podTemplate('friend', images.amd64, { labels: { budget: 'met' } })),
    budget(NAMESPACE, 'met', { budget: 'met' }, { minAvailable: 1, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }),
    crashing('two', images),
    budget(NAMESPACE, 'one', { app: 'two' }, { minAvailable: 0 }),
    budget(NAMESPACE, 'other', { app: 'two' }, { minAvailable: 0 }),
  ],
};

/** Pods that run by emulation, of a policy that wants them where they run natively. */
export const readyBudget: Case = {
  namespaces: [READY],
  spec: { remediation: { includeReady: true } },
  objects: ({ arm64 }) => [
    workload('Deployment', READY, 'web', podTemplate('web', arm64, { emulated: true }), { replicas: 2 }),
    budget(READY, 'allowing', { app: 'web' }, { minAvailable: 1 }),
  ],
};

export function budgetTests(world: World): void {
  test.each([
    ['always', 'a budget that blocks for ever, but for pods that are not ready (AlwaysAllow)'],
    ['met', 'a budget that others of its pods meet (IfHealthyBudget)'],
  ])('R8 P3 %s: evicted under %s', async (app) => {
    await world.until('it to run on an arm64 node', () => {
      const pods = world.live.pods(NAMESPACE, app);
      return pods.length === 1 && pods.every(runsRight);
    });
  });

  const blocked = (app: string): string | undefined =>
    world.live.events(NAMESPACE, 'DisruptionBudget').find(({ regarding }) => regarding.startsWith(`${app}-`))?.note;

  test('R8 P3 blocking: a budget that can never be met; the pod stays, and its event says what to do', async () => {
    const [pod] = world.live.pods(NAMESPACE, 'blocking');
    const note = await world.until('the event', () => blocked('blocking'));
    expect(note).toContain('set its unhealthyPodEvictionPolicy to AlwaysAllow');
    expect(note).toContain('The disruption budget blocking needs 2 healthy pods and has');
    expect(world.live.pods(NAMESPACE, 'blocking')).toMatchObject([{ uid: pod?.uid, deleting: false }]);
  });

  // Where nothing is healthy, the API server finds no eviction to allow even in a budget that wants nothing. A crash loop
  // is healthy for up to a second at each restart; then it is not evicted.
  test('R8 P3 nothing: a budget of nothing blocks', async () => {
    const note = await world.until('the event', () => blocked('nothing'));
    expect(note).toContain('The disruption budget nothing needs 0 healthy pods and has');
  });

  test('R1 R8 P3 includeReady: Ready pods move as their budget allows', async () => {
    await world.until('both to run on arm64 nodes', () => {
      const pods = world.live.pods(READY);
      return pods.length === 2 && pods.every(runsRight);
    });
    const codes = evictions(await world.audit())
      .filter(({ objectRef }) => objectRef?.namespace === READY)
      .map(({ responseStatus }) => responseStatus?.code);
    expect(codes.filter((code) => code === 201)).toHaveLength(2);
    expect(codes.filter((code) => code !== 201 && code !== 429)).toEqual([]);
  });

  test('R8 two budgets on one pod: one call, one event, no further try', async () => {
    const told = await world.until('the event', () => world.live.events(NAMESPACE, 'SeveralBudgets')[0]);
    expect(told.note).toContain('several PodDisruptionBudgets select it');
    const [pod] = world.live.pods(NAMESPACE, 'two');
    expect(pod).toMatchObject({ name: told.regarding, deleting: false });
    const codes = evictionsOf(await world.audit(), told.regarding).map(({ responseStatus }) => responseStatus?.code);
    expect(codes).toEqual([500]);
  });

  test('R8 P3 the budgets that do not allow it had no eviction accepted', async () => {
    const accepted = acceptedEvictions(await world.audit()).map(({ objectRef }) => objectRef?.name ?? '');
    expect(accepted.filter((name) => /^(blocking|nothing|two|friend)-/u.test(name))).toEqual([]);
  });
}
