import { describe, expect, test } from '@jest/globals';
import type { InstalledWebhook } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import type { ProbeResult } from './webhook-probe.ts';
import { WebhookHealth } from './webhook-health.ts';

const signal = new AbortController().signal;

interface Rig {
  readonly clock: FakeClock;
  readonly health: WebhookHealth;
  readonly probed: AbortSignal[];
  result: ProbeResult;
  isFresh: boolean;
  readonly configuration: { installed: InstalledWebhook | undefined };
}

function rig(): Rig {
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
  return Object.assign(state, { clock, probed, health: new WebhookHealth(options) });
}

describe('whether the webhook would handle a replacement', () => {
  test('R3 with a stale Lease it is unreachable and not probed', async () => {
    const webhook = rig();
    webhook.isFresh = false;
    expect([webhook.health.isReachable(), await webhook.health.confirm(signal), webhook.probed]).toEqual([
      false,
      false,
      [],
    ]);
  });

  test('R3 a probe precedes the first eviction, and concurrent evictions share it', async () => {
    const webhook = rig();
    expect(await Promise.all([webhook.health.confirm(signal), webhook.health.confirm(signal)])).toEqual([true, true]);
    expect(await webhook.health.confirm(signal)).toBe(true);
    expect(webhook.probed).toHaveLength(1);
  });

  test('R3 a successful probe expires', async () => {
    const webhook = rig();
    await webhook.health.confirm(signal);
    await webhook.clock.advance(60_000);
    await webhook.health.confirm(signal);
    expect(webhook.probed).toHaveLength(2);
  });

  test('R3 an unreachable webhook is probed every second until it responds', async () => {
    const webhook = rig();
    webhook.result = 'silent';
    expect(await webhook.health.confirm(signal)).toBe(false);
    expect(webhook.health.isReachable()).toBe(false);
    const end = new AbortController();
    const running = webhook.health.run(end.signal);
    await webhook.clock.advance(3_000);
    expect(webhook.probed).toHaveLength(4);
    webhook.result = 'answered';
    await webhook.clock.advance(1_000);
    expect(webhook.health.isReachable()).toBe(true);
    await webhook.clock.advance(5_000);
    expect(webhook.probed).toHaveLength(5);
    end.abort();
    await running;
  });

  test('R3 before the configuration is read it is unreachable, and no reason is reported', () => {
    const webhook = rig();
    webhook.configuration.installed = undefined;
    const namespace = { name: 'shop', labels: {}, annotations: {} };
    expect([webhook.health.isReachable(), webhook.health.callFor(namespace, {})]).toEqual([false, 'called']);
    webhook.configuration.installed = { kind: 'absent' };
    expect([webhook.health.isReachable(), webhook.health.callFor(namespace, {})]).toEqual([true, 'not-installed']);
  });

  test('R7 after a misplaced replacement it is always probed', async () => {
    const webhook = rig();
    await webhook.health.confirm(signal);
    webhook.result = 'silent';
    expect([await webhook.health.confirm(signal), await webhook.health.confirmNow(signal)]).toEqual([true, false]);
    webhook.isFresh = false;
    expect(await webhook.health.confirmNow(signal)).toBe(false);
    expect(webhook.probed).toHaveLength(2);
  });

  test('R3 listeners are notified of each change: a stale Lease, a failed probe, a successful probe', async () => {
    const webhook = rig();
    const changes: boolean[] = [];
    const unsubscribe = webhook.health.subscribe((isReachable) => changes.push(isReachable));
    const end = new AbortController();
    const running = webhook.health.run(end.signal);
    await webhook.clock.advance(5_000);
    expect(changes).toEqual([true]);
    webhook.isFresh = false;
    await webhook.clock.advance(500);
    webhook.isFresh = true;
    await webhook.clock.advance(500);
    expect(changes).toEqual([true, false, true]);
    webhook.result = 'silent';
    await webhook.health.confirmNow(signal);
    await webhook.clock.advance(500);
    webhook.result = 'answered';
    await webhook.clock.advance(1_500);
    expect(changes).toEqual([true, false, true, false, true]);
    unsubscribe();
    webhook.isFresh = false;
    await webhook.clock.advance(500);
    expect(changes).toHaveLength(5);
    end.abort();
    await running;
  });
});
