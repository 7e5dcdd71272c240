import { describe, expect, test } from '@jest/globals';
import type { Inspection, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { policy, resolved } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const IMAGE = 'registry.test/web:v1';
const MINUTE = 60_000;
const NOT_FOUND =
  'failed to pull and unpack image "registry.test/web:v1": failed to copy: httpReadSeeker: failed open: content at https://registry.test/v2/web/manifests/sha256:18ac not found: not found';

const both = (sinceMs?: number): Inspection => {
  const inspection = resolved('linux/amd64', 'linux/arm64');
  if (inspection.kind === 'unresolved' || sinceMs === undefined) return inspection;
  const missing = [{ os: 'linux', architecture: 'amd64' as const, sinceMs }];
  return { ...inspection, facts: { ...inspection.facts, missing } };
};

/** A pod on amd64 whose image pull failed there. */
const stuck: Partial<PodFacts> = {
  phase: 'Pending',
  containers: [
    {
      name: 'main',
      image: IMAGE,
      ready: false,
      running: false,
      restartCount: 0,
      waiting: { reason: 'ImagePullBackOff', message: NOT_FOUND },
    },
  ],
};

describe('a pod whose node did not find the manifest that the index lists', () => {
  test('I9 its evaluation requests a check, and it is not evicted before the registry is known to lack the manifest', async () => {
    const world = new World(new FakeClock());
    world.images.set(IMAGE, both());
    world.add('a', stuck);
    world.add('b');
    await world.reconcile('a');
    await world.reconcile('b');
    expect(world.suspects).toMatchObject([{ image: IMAGE, os: 'linux', architecture: 'amd64' }]);
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'Fits']);
  });

  test('I9 R4 it is evicted once every webhook has read that the manifest is missing', async () => {
    const world = new World(new FakeClock());
    world.policies = [policy({ preference: { architectures: ['amd64'] } })];
    world.images.set(IMAGE, both(world.clock.now()));
    world.add('a', stuck);
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 11 * MINUTE });
    expect([world.evictions, world.getReason('a'), world.suspects]).toEqual([[], 'PlatformMissing', []]);
    await world.clock.advance(11 * MINUTE);
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });
});
