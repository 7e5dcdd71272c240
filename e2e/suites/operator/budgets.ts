import { expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { budget, podTemplate, workload } from '../../support/manifests.ts';
import type { PodOptions } from '../../support/manifests.ts';
import { findAcceptedEvictions, findEvictions, findEvictionsOfPod } from './audit.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'budgets';
const READY = 'budgets-ready';

/** A budget that can never be met, because it requires two pods and selects only one. */
const NEVER_MET = { minAvailable: 2 };

function crashing(app: string, { arm64 }: Images, options: PodOptions = {}): JsonObject {
  return workload('Deployment', NAMESPACE, app, podTemplate(app, arm64, options), { replicas: 1 });
}

/**
 * Crashing pods with several kinds of PodDisruptionBudgets. The pods crash because budgets do not apply to Pending
 * pods.
 */
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

/** Ready pods on emulating nodes, with a policy that moves them to native nodes. */
export const readyBudget: Case = {
  namespaces: [READY],
  spec: { remediation: { includeReady: true } },
  objects: ({ arm64 }) => [
    workload('Deployment', READY, 'web', podTemplate('web', arm64, { emulated: true }), { replicas: 2 }),
    budget(READY, 'allowing', { app: 'web' }, { minAvailable: 1 }),
  ],
};

export function budgetTests(suite: OperatorSuite): void {
  test.each([
    ['always', 'a budget that blocks permanently, except for pods that are not ready (AlwaysAllow)'],
    ['met', 'a budget that its other pods meet (IfHealthyBudget)'],
  ])('R8 P3 %s: evicted under %s', async (app) => {
    await suite.waitFor('it to run on an arm64 node', () => {
      const pods = suite.live.pods(NAMESPACE, app);
      return pods.length === 1 && pods.every(runsOnArm64);
    });
  });

  const blocked = (app: string): string | undefined =>
    suite.live.events(NAMESPACE, 'DisruptionBudget').find(({ regarding }) => regarding.startsWith(`${app}-`))?.note;

  test('R8 P3 blocking: a budget that can never be met; the pod stays, and its event names the remedy', async () => {
    const [pod] = suite.live.pods(NAMESPACE, 'blocking');
    const note = await suite.waitFor('the event', () => blocked('blocking'));
    expect(note).toContain('set its unhealthyPodEvictionPolicy to AlwaysAllow');
    expect(note).toContain('The disruption budget blocking needs 2 healthy pods and has');
    expect(suite.live.pods(NAMESPACE, 'blocking')).toMatchObject([{ uid: pod?.uid, deleting: false }]);
  });

  // While no pod is healthy, the API server allows no disruption, even if `minAvailable` is 0. A crash-looping pod is
  // healthy for up to a second after each restart, but the operator does not evict the pod during that time.
  test('R8 P3 nothing: a budget with minAvailable 0 blocks', async () => {
    const note = await suite.waitFor('the event', () => blocked('nothing'));
    expect(note).toContain('The disruption budget nothing needs 0 healthy pods and has');
  });

  test('R1 R8 P3 includeReady: Ready pods move as their budget allows', async () => {
    await suite.waitFor('both to run on arm64 nodes', () => {
      const pods = suite.live.pods(READY);
      return pods.length === 2 && pods.every(runsOnArm64);
    });
    const codes = findEvictions(await suite.readAudit())
      .filter(({ objectRef }) => objectRef?.namespace === READY)
      .map(({ responseStatus }) => responseStatus?.code);
    expect(codes.filter((code) => code === 201)).toHaveLength(2);
    expect(codes.filter((code) => code !== 201 && code !== 429)).toEqual([]);
  });

  test('R8 two budgets on one pod: one call, one event, no retry', async () => {
    const event = await suite.waitFor('the event', () => suite.live.events(NAMESPACE, 'SeveralBudgets')[0]);
    expect(event.note).toContain('several PodDisruptionBudgets select it');
    const [pod] = suite.live.pods(NAMESPACE, 'two');
    expect(pod).toMatchObject({ name: event.regarding, deleting: false });
    const codes = findEvictionsOfPod(await suite.readAudit(), event.regarding).map(
      ({ responseStatus }) => responseStatus?.code,
    );
    expect(codes).toEqual([500]);
  });

  test('R8 P3 no eviction was accepted under the blocking budgets', async () => {
    const accepted = findAcceptedEvictions(await suite.readAudit()).map(({ objectRef }) => objectRef?.name ?? '');
    expect(accepted.filter((name) => /^(blocking|nothing|two|friend)-/u.test(name))).toEqual([]);
  });
}
