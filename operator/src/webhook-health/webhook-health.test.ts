import { describe, expect, test } from '@jest/globals';
import type { InstalledWebhook } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import type { ProbeVerdict } from './probe/probe-verdict.ts';
import type { Diagnosis } from './probe/unreachable-cause.ts';
import { WebhookHealth } from './webhook-health.ts';
import type { WebhookStatus } from './webhook-status.ts';

const signal = new AbortController().signal;
const ANSWERED: ProbeVerdict = { kind: 'answered' };
const SILENT: ProbeVerdict = { kind: 'silent', durationMs: 2_000 };
const BUSY: ProbeVerdict = { kind: 'no-verdict', status: 429, words: 'busy', retryAfterMs: 0 };
const REFUSED: ProbeVerdict = { kind: 'refused', status: 404, words: 'not found' };

interface Rig {
  readonly clock: FakeClock;
  readonly health: WebhookHealth;
  readonly probed: AbortSignal[];
  readonly statuses: WebhookStatus[];
  result: ProbeVerdict;
  diagnosis: Diagnosis;
  isFresh: boolean;
  readonly configuration: { installed: InstalledWebhook | undefined; failure: string | undefined };
}

function rig(): Rig {
  const clock = new FakeClock();
  const probed: AbortSignal[] = [];
  const state: Pick<Rig, 'result' | 'diagnosis' | 'isFresh' | 'configuration'> = {
    result: ANSWERED,
    diagnosis: { cause: 'timed-out', words: '' },
    isFresh: true,
    configuration: { installed: { kind: 'unknown' }, failure: undefined },
  };
  const health = new WebhookHealth({
    lease: { isFresh: () => state.isFresh },
    probe: (deadline) => {
      probed.push(deadline);
      return Promise.resolve(state.result);
    },
    diagnose: () => Promise.resolve(state.diagnosis),
    clock,
    configuration: state.configuration,
    namespaces: { get: () => undefined },
  });
  const statuses: WebhookStatus[] = [];
  health.onStatus((status) => statuses.push(status));
  return Object.assign(state, { clock, probed, statuses, health });
}

/** Runs the health while `during` runs. */
async function running(webhook: Rig, during: () => Promise<void>): Promise<void> {
  const end = new AbortController();
  const done = webhook.health.run(end.signal);
  await during();
  end.abort();
  await done;
}

describe('whether the webhook would handle a replacement', () => {
  test('R3 with a stale Lease it is unreachable and not probed', async () => {
    const webhook = rig();
    webhook.isFresh = false;
    const { health, probed } = webhook;
    await running(webhook, async () => {
      expect([health.isReachable(), await health.confirm(signal)]).toEqual([false, false]);
      await webhook.clock.advance(60_000);
      expect([probed, health.status]).toEqual([[], { kind: 'unreachable', cause: 'not-running', words: '' }]);
    });
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
    await webhook.clock.advance(1_001);
    await webhook.health.confirm(signal);
    expect(webhook.probed).toHaveLength(2);
  });

  test('R3 it is probed once a minute without evictions', async () => {
    const webhook = rig();
    await running(webhook, async () => {
      await webhook.clock.advance(59_000);
      expect([webhook.probed.length, webhook.statuses]).toEqual([1, [{ kind: 'reachable' }]]);
      webhook.result = SILENT;
      await webhook.clock.advance(2_000);
      expect(webhook.health.status).toEqual({ kind: 'unreachable', cause: 'timed-out', words: '' });
      expect([webhook.health.isReachable(), webhook.statuses.length]).toEqual([false, 2]);
    });
  });

  test('R3 an unreachable webhook is probed every few seconds until it answers', async () => {
    const webhook = rig();
    webhook.result = SILENT;
    await running(webhook, async () => {
      await webhook.clock.advance(60_000);
      expect(webhook.probed.length).toBeGreaterThan(12);
      expect(webhook.probed.length).toBeLessThan(17);
      webhook.result = ANSWERED;
      await webhook.clock.advance(5_500);
      expect([webhook.health.isReachable(), webhook.health.status]).toEqual([true, { kind: 'reachable' }]);
    });
  });

  test('R3 an API server that is busy is not an unreachable webhook: the probe is repeated, the status stays', async () => {
    const webhook = rig();
    await running(webhook, async () => {
      await webhook.clock.advance(10_000);
      webhook.result = BUSY;
      expect([await webhook.health.confirm(signal), webhook.health.isReachable()]).toEqual([false, false]);
      webhook.result = ANSWERED;
      await webhook.clock.advance(1_500);
      expect([webhook.health.isReachable(), webhook.statuses]).toEqual([true, [{ kind: 'reachable' }]]);
      webhook.result = BUSY;
      await webhook.clock.advance(60_000 + 61_000);
      expect(webhook.health.status).toEqual({ kind: 'probe-refused', status: 429, words: 'busy' });
    });
  });

  test('R3 a probe that the API server rejects is reported as that, once, with its words', async () => {
    const webhook = rig();
    webhook.result = REFUSED;
    await running(webhook, async () => {
      await webhook.clock.advance(300_000);
      expect(webhook.statuses).toEqual([{ kind: 'probe-refused', status: 404, words: 'not found' }]);
      expect([webhook.health.isReachable(), await webhook.health.confirm(signal)]).toEqual([false, false]);
    });
  });

  test('R3 a changed cause is reported, and no recovery in between', async () => {
    const webhook = rig();
    webhook.result = SILENT;
    await running(webhook, async () => {
      await webhook.clock.advance(30_000);
      webhook.diagnosis = { cause: 'certificate', words: 'x509: expired' };
      await webhook.clock.advance(30_000);
      webhook.isFresh = false;
      await webhook.clock.advance(30_000);
      webhook.isFresh = true;
      await webhook.clock.advance(30_000);
      const causes = webhook.statuses.map((status) => (status.kind === 'unreachable' ? status.cause : status.kind));
      expect(causes).toEqual(['timed-out', 'certificate', 'not-running', 'certificate']);
    });
  });

  test('R3 after the Lease was stale, the webhook is probed before it is reported as reachable', async () => {
    const webhook = rig();
    await running(webhook, async () => {
      await webhook.clock.advance(10_000);
      webhook.isFresh = false;
      await webhook.clock.advance(10_000);
      webhook.result = SILENT;
      webhook.isFresh = true;
      await webhook.clock.advance(2_000);
      expect(webhook.statuses.map(({ kind }) => kind)).toEqual(['reachable', 'unreachable', 'unreachable']);
    });
  });

  test('R3 before the configuration is read it is unreachable, and no reason is reported', async () => {
    const webhook = rig();
    webhook.configuration.installed = undefined;
    const namespace = { name: 'shop', labels: {}, annotations: {} };
    expect([webhook.health.isReachable(), webhook.health.callFor(namespace, {})]).toEqual([false, 'called']);
    await running(webhook, async () => {
      await webhook.clock.advance(60_000);
      expect([webhook.probed, webhook.statuses]).toEqual([[], []]);
      webhook.configuration.failure = 'status 403: no';
      await webhook.clock.advance(1_000);
      expect(webhook.statuses).toEqual([
        { kind: 'unreachable', cause: 'configuration-unread', words: 'status 403: no' },
      ]);
    });
    webhook.configuration.installed = { kind: 'absent' };
    expect(webhook.health.callFor(namespace, {})).toBe('not-installed');
  });

  test('R7 after a misplaced replacement it is always probed', async () => {
    const webhook = rig();
    await webhook.health.confirm(signal);
    webhook.result = SILENT;
    expect([await webhook.health.confirm(signal), await webhook.health.confirmNow(signal)]).toEqual([true, false]);
    webhook.isFresh = false;
    expect(await webhook.health.confirmNow(signal)).toBe(false);
    expect(webhook.probed).toHaveLength(2);
  });

  test('R3 reachability changes at once: a stale Lease, a failed probe, a successful probe', async () => {
    const webhook = rig();
    const { health } = webhook;
    await running(webhook, async () => {
      await webhook.clock.advance(5_000);
      expect(health.isReachable()).toBe(true);
      webhook.isFresh = false;
      expect(health.isReachable()).toBe(false);
      webhook.isFresh = true;
      await webhook.clock.advance(500);
      expect(health.isReachable()).toBe(true);
      webhook.result = SILENT;
      await health.confirmNow(signal);
      expect(health.isReachable()).toBe(false);
      webhook.result = ANSWERED;
      await health.confirmNow(signal);
      expect(health.isReachable()).toBe(true);
    });
  });

  test('R3 while it is reachable, waiting pods are woken at each check', async () => {
    const webhook = rig();
    let wakeUps = 0;
    webhook.health.whileReachable(() => (wakeUps += 1));
    await running(webhook, async () => {
      await webhook.clock.advance(5_000);
      const before = wakeUps;
      await webhook.clock.advance(1_000);
      expect(wakeUps).toBeGreaterThan(before);
      webhook.isFresh = false;
      await webhook.clock.advance(500);
      const unreachable = wakeUps;
      await webhook.clock.advance(5_000);
      expect(wakeUps).toBe(unreachable);
    });
  });
});
