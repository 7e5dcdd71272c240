import { describe, expect, test } from '@jest/globals';
import { podKey } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../fixtures/objects.ts';
import type { ProbeVerdict } from '../webhook-health/probe/probe-verdict.ts';
import { WebhookHealth } from '../webhook-health/webhook-health.ts';
import { World } from './fixtures/world.ts';
import { EvictionPipeline } from './queue/eviction-pipeline.ts';

const PODS = 60;
/** How long the API server takes for a probe. */
const PROBE_MS = 30;
const ANSWERED: ProbeVerdict = { kind: 'answered' };

/** A world with the operator's pipeline and webhook health. `verdict` returns the result of each probe. */
function outage(verdict: (probe: number) => ProbeVerdict) {
  const clock = new FakeClock();
  const end = new AbortController();
  const lease = { isFresh: true };
  let probes = 0;
  const webhook = new WebhookHealth({
    lease: { isFresh: () => lease.isFresh },
    probe: async (signal) => {
      probes += 1;
      const result = verdict(probes);
      await clock.sleep(PROBE_MS, signal);
      return result;
    },
    diagnose: () => Promise.resolve({ cause: 'other', words: '' }),
    clock,
    configuration: { installed: { kind: 'unknown' }, failure: undefined },
    namespaces: { get: () => undefined },
  });
  const pipeline = new EvictionPipeline(clock);
  const world = new World(clock, {
    pipeline,
    // The pods of the world are in a namespace that the webhook covers.
    webhook: {
      isReachable: () => webhook.isReachable(),
      confirm: (signal) => webhook.confirm(signal),
      confirmNow: (signal) => webhook.confirmNow(signal),
      callFor: () => 'called',
    },
  });
  world.policies = [policy({ remediation: { maxEvictionsPerMinute: 6_000 } })];
  webhook.whileReachable(() => {
    world.remediation.enqueue(world.limitQueues.waitingForWebhook());
  });
  const done = webhook.run(end.signal);
  pipeline.startEvictions();
  const stop = async (): Promise<void> => {
    end.abort();
    await done;
  };
  return { clock, world, webhook, lease, stop };
}

/** Adds misplaced pods of as many owners, and enqueues them. */
function addPods(world: World): void {
  const pods = Array.from({ length: PODS }, (_, index) => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: `web-${index}`, uid: `owner-${index}` };
    return world.add(`web-${index}-0`, { owner });
  });
  world.remediation.enqueue(pods.map(podKey));
}

describe('pods that wait for the webhook', () => {
  test('R3 are all evicted, although every fourth probe is answered with 429', async () => {
    const busy: ProbeVerdict = { kind: 'no-verdict', status: 429, words: 'busy', retryAfterMs: 0 };
    const { clock, world, stop } = outage((probe) => (probe % 4 === 0 ? busy : ANSWERED));
    // Evictions take some time, so that probes expire between them.
    world.answer = async () => {
      await clock.sleep(400, new AbortController().signal);
      return { kind: 'evicted' };
    };
    addPods(world);
    await clock.advance(60_000);
    expect(new Set(world.evictions.map(({ name }) => name)).size).toBe(PODS);
    expect(world.limitQueues.size).toBe(0);
    await stop();
  });

  test('R3 are all evicted, although a probe fails and the next one succeeds between two checks, again and again', async () => {
    const silent: ProbeVerdict = { kind: 'silent', durationMs: 0 };
    let verdict: ProbeVerdict = ANSWERED;
    const { clock, world, webhook, stop } = outage(() => verdict);
    const { signal } = new AbortController();
    await clock.advance(100);
    for (let round = 0; round < 5; round += 1) {
      verdict = silent;
      const failed = webhook.confirmNow(signal);
      await clock.advance(PROBE_MS);
      addPods(world);
      await clock.advance(PROBE_MS);
      verdict = ANSWERED;
      const succeeded = webhook.confirmNow(signal);
      await clock.advance(1_000 - 2 * PROBE_MS);
      expect([await failed, await succeeded]).toEqual([false, true]);
    }
    await clock.advance(1_000);
    expect(world.limitQueues.size).toBe(0);
    expect(new Set(world.evictions.map(({ name }) => name)).size).toBe(PODS);
    await stop();
  });

  test.each([100, 250, 400, 700])(
    'R3 are all evicted, although the Lease is stale for %i ms again and again',
    async (staleMs) => {
      const { clock, world, lease, stop } = outage(() => ANSWERED);
      addPods(world);
      for (let passed = 0; passed < 8_000; passed += 1_000) {
        lease.isFresh = false;
        addPods(world);
        await clock.advance(staleMs);
        lease.isFresh = true;
        await clock.advance(1_000 - staleMs);
      }
      await clock.advance(2_000);
      expect(world.limitQueues.size).toBe(0);
      expect(new Set(world.evictions.map(({ name }) => name)).size).toBe(PODS);
      await stop();
    },
  );
});
