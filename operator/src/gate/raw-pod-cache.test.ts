import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { RawPodCache } from './raw-pod-cache.ts';

function pod(
  name: string,
  resourceVersion: string,
  gates: readonly string[] = ['archpolicy.dev/inspecting'],
): JsonObject {
  return {
    metadata: { namespace: 'shop', name, resourceVersion },
    spec: { schedulingGates: gates.map((gate) => ({ name: gate })) },
  };
}

describe('the cache of gated pods', () => {
  test('contains pods behind our gate, in the version of the watch', () => {
    const raw = new RawPodCache();
    const web = pod('web', '5');
    raw.observe(web);
    raw.observe(pod('other', '6', ['corp/quota']));
    raw.observe(pod('plain', '7', []));
    expect(raw.size).toBe(1);
    expect(raw.get('shop/web', '5')).toBe(web);
    expect(raw.get('shop/web', '4')).toBeUndefined();
    expect(raw.get('shop/other', '6')).toBeUndefined();
  });

  test('drops pods without gate and deleted pods', () => {
    const raw = new RawPodCache();
    raw.observe(pod('web', '5'));
    raw.observe(pod('db', '6'));
    raw.observe(pod('web', '7', []));
    raw.drop('shop/db');
    expect(raw.size).toBe(0);
  });

  test('returns a pod that was read again until the watch delivers a newer version', () => {
    const raw = new RawPodCache();
    raw.observe(pod('web', '5'));
    const read = pod('web', '8');
    raw.set('shop/web', '5', read);
    expect(raw.get('shop/web', '5')).toBe(read);
    expect(raw.get('shop/web', '8')).toBe(read);
    expect(raw.get('shop/web', '9')).toBeUndefined();
  });

  test('P8 is bounded and keeps the first pods: 200 in a standby, 2,000 in the replica that lifts gates', () => {
    const raw = new RawPodCache();
    const observe = (): void => {
      for (let i = 0; i < 2_100; i += 1) raw.observe(pod(`web-${i}`, '5'));
    };
    observe();
    expect(raw.size).toBe(200);
    raw.startLifting();
    observe();
    expect(raw.size).toBe(2_000);
    expect(raw.get('shop/web-0', '5')).toBeDefined();
    raw.observe(pod('web-0', '6'));
    expect(raw.get('shop/web-0', '6')).toBeDefined();
  });
});
