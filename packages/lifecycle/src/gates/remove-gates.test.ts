import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { FakeCluster, GATE, noResponse, refused } from '../fixtures/fake-cluster.ts';
import { removeGates } from './remove-gates.ts';

function rig() {
  const [cluster, clock] = [new FakeCluster(), new FakeClock()];
  const lines: string[] = [];
  const stop = new AbortController();
  const parts = { api: cluster, clock, namespace: 'archpolicy-system', report: (line: string) => lines.push(line) };
  const start = (): Promise<unknown> =>
    removeGates(parts, stop.signal).then(
      () => 'done',
      (error: unknown) => error,
    );
  return { cluster, clock, lines, start, stop };
}

describe('the removal of gates', () => {
  test('P9 without an operator removes only our gate, of all pages, and ends after two lists without gates', async () => {
    const { cluster, clock, start, lines } = rig();
    for (let i = 0; i < 5; i += 1) cluster.putGatedPod(`web-${i}`, i === 3 ? ['a.b/c', GATE] : [GATE]);
    cluster.putGatedPod('other', ['a.b/c']);
    const end = start();
    await clock.advance(2_000);
    expect(await end).toBe('done');
    expect([0, 1, 2, 3, 4].flatMap((i) => cluster.gates(`web-${i}`))).toEqual([{ name: 'a.b/c' }]);
    expect(cluster.writes).toHaveLength(5);
    expect(lines).toEqual(['gates: removed 5 of 5', 'gates: no pod is gated']);
  });

  test('P9 waits 30 s for an operator that renews its Lease, then removes what it leaves', async () => {
    const { cluster, clock, start } = rig();
    cluster.renewOperator();
    cluster.putGatedPod('slow');
    cluster.putGatedPod('quick');
    const end = start();
    await clock.advance(0);
    cluster.putGatedPod('quick', []);
    for (let second = 0; second < 29; second += 1) {
      cluster.renewOperator();
      await clock.advance(1_000);
    }
    expect(cluster.writes).toEqual([]);
    for (let second = 0; second < 4; second += 1) await clock.advance(1_000);
    expect(await end).toBe('done');
    expect(cluster.writes).toEqual(['PATCH /api/v1/namespaces/shop/pods/slow']);
  });

  test('P9 waits no longer for an operator that no longer renews its Lease', async () => {
    const { cluster, clock, start } = rig();
    cluster.renewOperator();
    cluster.putGatedPod('web');
    const end = start();
    for (let second = 0; second < 18; second += 1) await clock.advance(1_000);
    expect(await end).toBe('done');
    expect(cluster.gates('web')).toEqual([]);
  });

  test('P9 a pod that appears between the two lists is freed, too', async () => {
    const { cluster, clock, start } = rig();
    const end = start();
    await clock.advance(0);
    cluster.putGatedPod('late');
    for (let second = 0; second < 6; second += 1) await clock.advance(1_000);
    expect(await end).toBe('done');
    expect(cluster.gates('late')).toEqual([]);
  });

  test('P9 terminating pods are no gated pods', async () => {
    const { cluster, clock, start } = rig();
    cluster.putGatedPod('ending', [GATE], { deletionTimestamp: '2026-01-01T00:00:00Z' });
    const end = start();
    await clock.advance(2_000);
    expect(await end).toBe('done');
  });

  test('P9 retries while the API server does not respond', async () => {
    const { cluster, clock, start } = rig();
    cluster.putGatedPod('web');
    let calls = 0;
    cluster.fault = ({ path }) => {
      calls += 1;
      if (calls < 6) return path.includes('leases') ? undefined : refused(503);
      if (calls < 9) return noResponse();
      return undefined;
    };
    const end = start();
    for (let second = 0; second < 20; second += 1) await clock.advance(1_000);
    expect(await end).toBe('done');
    expect(cluster.gates('web')).toEqual([]);
  });

  test('P9 ends after five minutes with the pods and the last rejection', async () => {
    const { cluster, clock, start } = rig();
    cluster.putGatedPod('web');
    cluster.fault = ({ method }) => (method === 'PATCH' ? refused(403, 'denied by a policy') : undefined);
    const end = start();
    for (let second = 0; second < 305; second += 1) await clock.advance(1_000);
    expect(await end).toMatchObject({ code: 'NotRemoved' });
    expect(String(await end)).toMatch(/1 pods .* shop\/web\. The last rejection: shop\/web: 403 denied by a policy/u);
  });

  test('P9 ends at once when it is interrupted', async () => {
    const { cluster, clock, start, stop } = rig();
    cluster.renewOperator();
    cluster.putGatedPod('web');
    const end = start();
    await clock.advance(500);
    stop.abort(new Error('interrupted'));
    await clock.advance(0);
    expect(String(await end)).toContain('interrupted');
    expect(clock.sleeping).toEqual([]);
  });
});
