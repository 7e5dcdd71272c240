import { expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web', uid: 'rollout' };

test.each<[string, readonly string[], string | undefined]>([
  ['is listed by the policy', ['argoproj.io/Rollout'], undefined],
  ['is not listed by the policy', ['apps.kruise.io/CloneSet'], 'UnknownOwner'],
])('R2 a pod whose owner kind %s', async (_, ownerKinds, reason) => {
  const world = new World(new FakeClock());
  world.policies = [policy({ remediation: { ownerKinds } })];
  world.add('a', { owner });
  await world.reconcile('a');
  expect([world.evictions.length, world.getReason('a')]).toEqual(reason === undefined ? [1, undefined] : [0, reason]);
});
