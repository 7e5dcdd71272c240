import { describe, expect, test } from '@jest/globals';
import { objectAt, parsePod } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podText } from './pod-template.ts';
import type { PodValues } from './pod-template.ts';

const values: PodValues = {
  namespace: 'team-7',
  app: 'web',
  name: 'web-7c9f8d6b5c-abcde',
  uid: '3fcb',
  ownerUid: 'rs-1',
  version: 42,
  node: 'node-17',
  image: 'registry.example/team-7/web:v3',
  address: '10.1.2.3',
  ready: true,
  restarts: 0,
  since: '2026-06-01T08:00:00Z',
};

describe('a pod of a large cluster', () => {
  test('has the size and the share of managed fields of a real one', () => {
    const text = podText(values);
    const managed = JSON.stringify(objectAt(JSON.parse(text) as JsonObject, 'metadata')['managedFields']);
    expect(text.length).toBeGreaterThan(13_000);
    expect(text.length).toBeLessThan(15_500);
    expect(managed.length / text.length).toBeGreaterThan(0.38);
    expect(managed.length / text.length).toBeLessThan(0.48);
  });

  test.each([true, false])('contains the given values (ready: %s)', (ready) => {
    const pod = parsePod(JSON.parse(podText({ ...values, ready, restarts: 3 })) as JsonObject);
    expect(pod).toMatchObject({
      namespace: 'team-7',
      name: 'web-7c9f8d6b5c-abcde',
      uid: '3fcb',
      resourceVersion: '42',
      nodeName: 'node-17',
      owner: { kind: 'ReplicaSet', name: 'web-7c9f8d6b5c', uid: 'rs-1' },
    });
    expect(pod?.images[0]).toBe('registry.example/team-7/web:v3');
    expect(pod?.containers[0]).toMatchObject({ ready, running: ready, restartCount: 3 });
  });
});
