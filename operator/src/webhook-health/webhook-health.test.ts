import { describe, expect, test } from '@jest/globals';
import type { InstalledWebhook } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import type { ProbeResult } from './webhook-probe.ts';
import { WebhookReach } from './webhook-health.ts';

const signal = new AbortController().signal;

interface Rig {
  readonly clock: FakeClock;
  readonly reach: WebhookReach;
  readonly probed: AbortSignal[];
  result: ProbeResult;
  isFresh: boolean;
  readonly configuration: { installed: InstalledWebhook | undefined };
}

function reach(): Rig {
  const clock = new FakeClock();
  const probed: AbortSignal[] = [];
  const state: Pick<Rig, 'result' | 'isFresh' | 'configuration'> = {
    result: 'answered',
    isFresh: true,
    configuration: { installed: { kind: 'unknown' } },
  };
  const options = {
    lease: { isFresh: () => state.isFresh },
    probe: (deadline: AbortSignal) => {
      probed.push(deadline);
      return Promise.resolve(state.result);
    },
    clock,
    configuration: state.configuration,
  };
  return Object.assign(state, { clock, probed, reach: new WebhookReach(options) });
}

describe('whether the webhook would put a replacement right', () => {
  test('R3 a stale Lease is enough to say no, without a probe', async () => {
    const rig = reach();
    rig.isFresh = false;
    expect([rig.reach.isReachable(), await rig.reach.confirm(signal), rig.probed]).toEqual([false, false, []]);
  });

  test('R3 a probe comes before the first eviction, and evictions of one moment share it', async () => {
    const rig = reach();
    expect(await Promise.all([rig.reach.confirm(signal), rig.reach.confirm(signal)])).toEqual([true, true]);
    expect(await rig.reach.confirm(signal)).toBe(true);
    expect(rig.probed).toHaveLength(1);
  });

  test('R3 an answer does not count for long', async () => {
    const rig = reach();
    await rig.reach.confirm(signal);
    await rig.clock.advance(60_000);
    await rig.reach.confirm(signal);
    expect(rig.probed).toHaveLength(2);
  });

  test('R3 a silent webhook is asked again every second until it answers', async () => {
    const rig = reach();
    rig.result = 'silent';
    expect(await rig.reach.confirm(signal)).toBe(false);
    expect(rig.reach.isReachable()).toBe(false);
    const end = new AbortController();
    const running = rig.reach.run(end.signal);
    await rig.clock.advance(3_000);
    expect(rig.probed).toHaveLength(4);
    rig.result = 'answered';
    await rig.clock.advance(1_000);
    expect(rig.reach.isReachable()).toBe(true);
    await rig.clock.advance(5_000);
    expect(rig.probed).toHaveLength(5);
    end.abort();
    await running;
  });

  test('R3 before the configuration was read it does not count as reachable, and nothing is reported', () => {
    const rig = reach();
    rig.configuration.installed = undefined;
    const namespace = { name: 'shop', labels: {}, annotations: {} };
    expect([rig.reach.isReachable(), rig.reach.callFor(namespace, {})]).toEqual([false, 'called']);
    rig.configuration.installed = { kind: 'absent' };
    expect([rig.reach.isReachable(), rig.reach.callFor(namespace, {})]).toEqual([true, 'not-installed']);
  });

  test('R7 right after a wrong landing it is asked anew', async () => {
    const rig = reach();
    await rig.reach.confirm(signal);
    rig.result = 'silent';
    expect([await rig.reach.confirm(signal), await rig.reach.confirmNow(signal)]).toEqual([true, false]);
    rig.isFresh = false;
    expect(await rig.reach.confirmNow(signal)).toBe(false);
    expect(rig.probed).toHaveLength(2);
  });
});
