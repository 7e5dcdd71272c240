import { expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const REPLICAS = 6;

/** Pods that crash already before ArchPolicy is installed. */
export const bootstrap: Case = {
  namespaces: ['shop'],
  objects: ({ arm64 }) => [workload('Deployment', 'shop', 'web', podTemplate('web', arm64), { replicas: REPLICAS })],
};

export function bootstrapTests(suite: OperatorSuite): void {
  test('R6 a cluster that bootstrapped without ArchPolicy: all crashing pods are moved to arm64 nodes', async () => {
    await suite.waitFor('all replicas to run on arm64 nodes', () => {
      const pods = suite.live.pods('shop');
      return pods.length === REPLICAS && pods.every(runsOnArm64);
    });
  });

  test('each evicted pod gets an event with the eviction and its reason', async () => {
    const events = await suite.waitFor('an event for each', () => {
      const found = suite.live.events('shop', 'Misplaced');
      return found.length >= REPLICAS && found;
    });
    for (const { note } of events) {
      expect(note).toMatch(
        /^Pod web-\S+ of Deployment web was evicted: node amd64-\d \(amd64\) cannot run \S+:v1; its images run on arm64\.$/u,
      );
    }
  });

  test('the policy’s status counts them', async () => {
    const pods = async (): Promise<unknown> => {
      const { status } = await suite.live.get(ARCHPOLICIES, undefined, 'shop');
      return (status as JsonObject | undefined)?.['pods'];
    };
    const expected = expect.objectContaining({ matched: REPLICAS, misplaced: 0, evicted: REPLICAS });
    // This may take a while, because the status is written at most once in five seconds.
    await suite.waitFor('the counts', async () => {
      expect(await pods()).toEqual(expected);
      return true;
    });
  });
}
