import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import { readPodView } from './pod-view.ts';
import { computeBucket, getWorkload } from './workload.ts';

const owned = (kind: string, name: string, labels: JsonObject = {}): JsonObject => ({
  metadata: { labels, ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: 'u', controller: true }] },
  spec: {},
});

describe('getWorkload', () => {
  test.each<[string, JsonObject, string]>([
    [
      'a Deployment over its revisions',
      owned('ReplicaSet', 'web-6f7d', { 'pod-template-hash': '6f7d' }),
      'ns/Deployment/web',
    ],
    [
      'an Argo Rollout over its revisions',
      owned('ReplicaSet', 'web-55', { 'rollouts-pod-template-hash': '55' }),
      'ns/Rollout/web',
    ],
    ['a ReplicaSet without a Deployment', owned('ReplicaSet', 'web-6f7d'), 'ns/ReplicaSet/web-6f7d'],
    [
      'a hash that is not the end of the name',
      owned('ReplicaSet', 'web', { 'pod-template-hash': 'eb' }),
      'ns/ReplicaSet/web',
    ],
    ['a CronJob over its runs', owned('Job', 'nightly-29421660'), 'ns/Job/nightly'],
    ['a Job with its own number', owned('Job', 'import-7'), 'ns/Job/import-7'],
    ['a StatefulSet', owned('StatefulSet', 'db-12345678'), 'ns/StatefulSet/db-12345678'],
    ['a bare pod', { metadata: { name: 'one' }, spec: {} }, 'ns/Pod/one'],
    ['a bare pod without any name', { metadata: {}, spec: {} }, 'ns/Pod/'],
    [
      'a ReplicaSet without an API version',
      { metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-6f7d', controller: true }] }, spec: {} },
      'ns/ReplicaSet/web-6f7d',
    ],
    [
      'a bare pod whose generateName was completed',
      { metadata: { name: 'one-x7k2p', generateName: 'one-' }, spec: {} },
      'ns/Pod/one-',
    ],
    ['a bare pod without a name yet', { metadata: { generateName: 'one-' }, spec: {} }, 'ns/Pod/one-'],
  ])('PL7 %s', (_, pod, expected) => {
    expect(getWorkload(readPodView(pod), 'ns')).toBe(expected);
  });
});

describe('computeBucket', () => {
  const workloads = Array.from({ length: 10_000 }, (_, i) => `team-${i % 7}/ReplicaSet/service-${i}`);

  test('PL7 workloads are evenly distributed over a hundred buckets', () => {
    const counts = new Map<number, number>();
    for (const workload of workloads) {
      const bucket = computeBucket('default', workload);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    expect(counts.size).toBe(100);
    // Each is expected 100 times; 50 are five standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
  });

  test('PL7 the bucket of a workload never changes: these values must stay', () => {
    expect([
      computeBucket('default', 'shop/ReplicaSet/web'),
      computeBucket('default', 'shop/StatefulSet/db'),
      computeBucket('other', 'shop/StatefulSet/db'),
    ]).toEqual([65, 63, 52]);
  });

  test('PL7 raising the percentage only adds workloads', () => {
    fc.assert(
      fc.property(fc.constantFrom(...workloads), fc.nat(100), fc.nat(100), (workload, one, other) => {
        const [low, high] = one < other ? [one, other] : [other, one];
        const bucket = computeBucket('default', workload);
        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(100);
        if (bucket < low) expect(bucket).toBeLessThan(high);
      }),
    );
  });
});
