import { expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const REPLICAS = 6;

/** Pods that have been crashing since before ArchPolicy came. */
export const bootstrap: Case = {
  namespaces: ['shop'],
  objects: ({ arm64 }) => [workload('Deployment', 'shop', 'web', podTemplate('web', arm64), { replicas: REPLICAS })],
};

export function bootstrapTests(world: World): void {
  test('R6 a cluster that bootstrapped without ArchPolicy: all that crashed runs where it can', async () => {
    await world.until('all replicas to run on arm64 nodes', () => {
      const pods = world.live.pods('shop');
      return pods.length === REPLICAS && pods.every(runsRight);
    });
  });

  test('an event on each evicted pod says what was done and why', async () => {
    const events = await world.until('an event for each', () => {
      const told = world.live.events('shop', 'Misplaced');
      return told.length >= REPLICAS && told;
    });
    for (const { note } of events) {
      expect(note).toMatch(
        /^Pod web-\S+ of Deployment web was evicted: node amd64-\d \(amd64\) cannot run \S+:v1; its images run on arm64\.$/u,
      );
    }
  });

  test('the policy’s status counts them', async () => {
    const pods = async (): Promise<unknown> => {
      const { status } = await world.live.get(ARCHPOLICIES, undefined, 'shop');
      return (status as JsonObject | undefined)?.['pods'];
    };
    const expected = expect.objectContaining({ matched: REPLICAS, misplaced: 0, evicted: REPLICAS });
    // Written at most once in five seconds.
    await world.until('the counts', async () => {
      expect(await pods()).toEqual(expected);
      return true;
    });
  });
}
