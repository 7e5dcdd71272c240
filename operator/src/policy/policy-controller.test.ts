import { describe, expect, test } from '@jest/globals';
import type { ArchPolicy, Json, JsonObject } from '@archpolicy/core';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { NO_PODS } from '../statistics/policy-pod-stats.ts';
import { policy, silent } from '../fixtures/objects.ts';
import { PolicyController } from './policy-controller.ts';
import type { WriteStatus } from './policy-controller.ts';

interface Rig {
  readonly clock: FakeClock;
  readonly controller: PolicyController;
  readonly writes: { readonly resourceVersion: string; readonly status: JsonObject; readonly atMs: number }[];
  readonly state: {
    entry: PolicyEntry | undefined;
    matched: number;
    isLeading: boolean;
    isReachable: boolean;
    /** Whether a write reaches the store, and whether its response reaches the controller. */
    write: 'confirmed' | 'lost' | 'unheard';
  };
  readonly write: WriteStatus;
  readonly degradedNow: ReadonlyMap<string, number>;
  readonly stop: () => Promise<void>;
}

function rig(start: Partial<Rig['state']> = {}): Rig {
  const clock = new FakeClock();
  const degradedNow = new Map<string, number>();
  const degraded = (reason: string, policies: number): void => {
    degradedNow.set(reason, policies);
  };
  const writes: Rig['writes'] = [];
  const state: Rig['state'] = {
    entry: { kind: 'ok', value: policy({}) },
    matched: 3,
    isLeading: true,
    isReachable: true,
    write: 'confirmed',
    ...start,
  };
  const controller = new PolicyController({
    policies: {
      get: () => state.entry,
      list: () => (state.entry?.kind === 'ok' ? [state.entry.value] : []),
      invalid: () => (state.entry?.kind === 'failed' ? [state.entry.failure] : []),
    },
    isLeading: () => state.isLeading,
    metrics: {
      reconciled: () => undefined,
      statusWrite: () => undefined,
      watchQueue: () => undefined,
      evicted: () => undefined,
      watchPolicies: () => undefined,
      degraded,
    },
    clock,
    logger: silent,
  });
  const source = {
    counts: () => ({ ...NO_PODS, matched: state.matched }),
    lastRecheckMs: () => Date.UTC(2026, 0, 1),
    nodes: () => [],
    namespaces: () => [],
    recordFailing: () => false,
    certificates: () => undefined,
    webhook: () =>
      state.isReachable
        ? ({ kind: 'reachable' } as const)
        : ({ kind: 'unreachable', cause: 'refused', words: '' } as const),
    tolerations: () => undefined,
    losses: () => [],
    brake: () => ({ kind: 'running' }) as const,
  };
  const write = ({ resourceVersion }: { readonly resourceVersion: string }, status: Json): Promise<boolean> => {
    writes.push({ resourceVersion, status: status as JsonObject, atMs: clock.monotonic() });
    if (state.write !== 'lost' && state.entry?.kind === 'ok') {
      state.entry = { kind: 'ok', value: stored(state.entry.value, status) };
    }
    return Promise.resolve(state.write === 'confirmed');
  };
  const end = new AbortController();
  const running = controller.run({ source, write }, end.signal);
  const stop = async (): Promise<void> => {
    end.abort();
    await running;
  };
  return { clock, controller, writes, write, state, degradedNow, stop };
}

function stored(before: ArchPolicy, status: Json): ArchPolicy {
  const after = policy({}, before.name, { status });
  return { ...after, resourceVersion: String(Number(before.resourceVersion) + 1) };
}

describe('the status of a policy', () => {
  test('is written on a change, and not again without a change', async () => {
    const { clock, controller, writes, stop } = rig();
    controller.touch('default');
    await clock.advance(60_000);
    controller.touch('default');
    await clock.advance(60_000);
    expect(writes.map(({ status }) => status['pods'])).toMatchObject([{ matched: 3 }]);
    await stop();
  });

  test('is written at most every 5 s, and ends up correct', async () => {
    const { clock, controller, writes, state, stop } = rig();
    for (let second = 0; second < 20; second += 1) {
      state.matched = second;
      controller.touch('default');
      await clock.advance(1_000);
    }
    await clock.advance(10_000);
    const gaps = writes.slice(1).map(({ atMs }, index) => atMs - (writes[index]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    expect(writes.at(-1)?.status['pods']).toMatchObject({ matched: 19 });
    expect(writes.length).toBeLessThanOrEqual(6);
    await stop();
  });

  test('a lost write is retried; a write whose response was lost is not', async () => {
    const lost = rig({ write: 'lost' });
    lost.controller.touch('default');
    await lost.clock.advance(11_000);
    expect(lost.writes).toHaveLength(3);
    await lost.stop();
    const unheard = rig({ write: 'unheard' });
    unheard.controller.touch('default');
    await unheard.clock.advance(60_000);
    expect(unheard.writes).toHaveLength(1);
    await unheard.stop();
  });

  test('P3 is not written by a process that does not lead', async () => {
    const { clock, controller, writes, stop } = rig({ isLeading: false });
    controller.touch('default');
    await clock.advance(60_000);
    expect(writes).toEqual([]);
    await stop();
  });

  test('is written with the resourceVersion it was computed from', async () => {
    const { clock, controller, writes, state, stop } = rig();
    controller.touch('default');
    await clock.advance(6_000);
    state.matched = 4;
    controller.touch('default');
    await clock.advance(6_000);
    expect(writes.map(({ resourceVersion }) => resourceVersion)).toEqual(['1', '2']);
    await stop();
  });

  test('counts evictions that ended after the controller, and writes each count once', async () => {
    const { clock, controller, writes, write, stop } = rig();
    controller.touch('default');
    await clock.advance(1_000);
    controller.evicted('default');
    await stop();
    await controller.writeLast(write);
    await controller.writeLast(write);
    expect(writes.slice(1).map(({ status }) => status)).toEqual([{ pods: { evicted: 1 } }]);
  });

  test('a failed write at the end does not fail the shutdown', async () => {
    const { controller, stop } = rig();
    controller.evicted('default');
    await stop();
    await controller.writeLast(() => Promise.reject(new Error('no connection')));
  });

  test('counts evictions', async () => {
    const { clock, controller, writes, stop } = rig();
    controller.evicted('default');
    controller.evicted('default');
    await clock.advance(1_000);
    expect(writes[0]?.status['pods']).toMatchObject({ evicted: 2 });
    await stop();
  });

  test('of an invalid policy is written once per version', async () => {
    const invalid = (generation: number): PolicyEntry => ({
      kind: 'failed',
      failure: { name: 'default', uid: 'u', generation, problems: [{ path: 'spec', message: 'is missing' }] },
    });
    const { clock, controller, writes, state, stop } = rig({ entry: invalid(1) });
    controller.touch('default');
    await clock.advance(60_000);
    state.entry = invalid(2);
    controller.touch('default');
    await clock.advance(60_000);
    expect(writes.map(({ status }) => status['observedGeneration'])).toEqual([1, 2]);
    await stop();
  });

  test('P2 a degradation is also a metric, until it ends or the policy is deleted', async () => {
    const { clock, controller, state, degradedNow, stop } = rig({ isReachable: false });
    const unreachable = async (): Promise<number | undefined> => {
      controller.touchAll();
      controller.touch('default');
      await clock.advance(6_000);
      return degradedNow.get('WebhookUnreachable');
    };
    expect([degradedNow.get('WebhookUnreachable'), await unreachable()]).toEqual([0, 1]);
    state.isReachable = true;
    expect(await unreachable()).toBe(0);
    state.isReachable = false;
    expect(await unreachable()).toBe(1);
    state.entry = undefined;
    expect(await unreachable()).toBe(0);
    await stop();
  });

  test('all state of a deleted policy is dropped', async () => {
    const { clock, controller, writes, state, stop } = rig();
    controller.evicted('default');
    await clock.advance(1_000);
    const { entry } = state;
    state.entry = undefined;
    controller.evicted('default');
    await clock.advance(6_000);
    // The same object again (an API server never sends it): the former count must be dropped.
    state.entry = entry?.kind === 'ok' ? { kind: 'ok', value: policy({}) } : entry;
    controller.touch('default');
    await clock.advance(6_000);
    expect(writes.map(({ status }) => (status['pods'] as JsonObject)['evicted'])).toEqual([1, 0]);
    await stop();
  });

  test.each<[string, PolicyEntry | undefined]>([
    ['deleted', undefined],
    ['being deleted', { kind: 'ok', value: { ...policy({}), deleting: true } }],
  ])('of a policy that is %s is not written', async (_, entry) => {
    const { clock, controller, writes, stop } = rig({ entry });
    controller.touch('default');
    await clock.advance(60_000);
    expect(writes).toEqual([]);
    await stop();
  });
});
