import { expect, test } from '@jest/globals';
import { RawPodCache } from './raw-pod-cache.ts';

test('P8 a standby caches 200 gated pods, the replica that lifts gates 2,000', () => {
  const cache = new RawPodCache();
  const observe = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      const metadata = { namespace: 'shop', name: `web-${index}`, resourceVersion: '1' };
      cache.observe({ metadata, spec: { schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] } });
    }
  };
  observe(3_000);
  expect(cache.size).toBe(200);
  cache.startLifting();
  observe(3_000);
  expect(cache.size).toBe(2_000);
});
