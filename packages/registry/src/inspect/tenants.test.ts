import { describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import type { Inspection } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import { ScriptedHosts } from '../fixtures/scripted-hosts.ts';
import type { InspectRequest } from './inspect-request.ts';

/** Iterations of the event loop after which up to 17,200 inspections have been accepted and 2,000 started. */
const ITERATIONS = 2_500;

function start() {
  const clock = new FakeClock();
  const hosts = new ScriptedHosts();
  const inspector = createInspector({ clock, sender: hosts });
  /** Inspects an image, and returns its result and the milliseconds that it took. */
  const inspect = async (request: Partial<InspectRequest> & { reference: string }): Promise<string> => {
    const startMs = clock.monotonic();
    const inspection: Inspection = await inspector.inspect({ budgetMs: 400, ...request });
    const outcome = inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
    return `${outcome} after ${clock.monotonic() - startMs} ms`;
  };
  /** Names images of hosts that never answer. */
  const flood = (tenant: string, count: number, perHost: number, request: Partial<InspectRequest> = {}): void => {
    for (let at = 0; at < count; at += 1) {
      const host = `silent-${tenant}-${Math.floor(at / perHost)}.example`;
      void inspect({ reference: `${host}/app-${at}:v1`, tenant, ...request });
    }
  };
  /** Waits until all inspections have been accepted and started: an iteration of the event loop handles some of them. */
  const settle = async (): Promise<void> => {
    for (let done = 0; done < ITERATIONS; done += 1) await yieldToEventLoop();
  };
  return { clock, hosts, inspector, inspect, flood, settle };
}

describe('K5 the shares of namespaces', () => {
  test.each([
    ['of pods that are created', 'admission', 400],
    ['of pods that wait at their gates', 'admission', 20_000],
    ['of a recheck', 'background', 400],
  ] as const)(
    '2,000 hanging images of 40 silent registries, %s, do not delay a new image of another namespace',
    async (_, priority, budgetMs) => {
      const { clock, inspector, inspect, flood, settle } = start();
      flood('evil', 2_200, 55, { priority, budgetMs });
      await settle();
      const results: Promise<string>[] = [];
      for (let seconds = 0; seconds < 20; seconds += 1) {
        await clock.advance(1_000);
        await settle();
        const reference = `good-${seconds}.example/app:v1`;
        results.push(inspect({ reference, tenant: 'shop', budgetMs: 1_000 }));
        await settle();
      }
      await clock.advance(2_000);
      expect(new Set(await Promise.all(results))).toEqual(new Set(['resolved after 0 ms']));
      await inspector.close();
    },
  );

  test('K5 a queue of 10,000 images for which no pod waits any longer accepts a new image of another namespace', async () => {
    const { clock, inspector, inspect, flood, settle } = start();
    for (const tenant of ['evil-1', 'evil-2', 'evil-3', 'evil-4']) flood(tenant, 4_300, 10);
    await settle();
    await clock.advance(3_000);
    flood('evil-5', 600, 10);
    await settle();
    const result = inspect({ reference: 'good.example/app:v1', tenant: 'shop', budgetMs: 1_000 });
    await clock.advance(1_000);
    expect(await result).toMatch(/^resolved after/);
    await inspector.close();
  });

  test('hosts that answered once and hang now delay a new image of another namespace by less than a second', async () => {
    const { clock, hosts, inspector, inspect, settle } = start();
    const names = Array.from({ length: 40 }, (_, at) => `quiet-${at}.example`);
    for (const name of names) void inspect({ reference: `${name}/first:v1`, tenant: 'evil' });
    await settle();
    await clock.advance(1_000);
    hosts.isSilent = (host) => host.startsWith('quiet');
    for (const name of names) {
      for (let at = 0; at < 60; at += 1) {
        void inspect({ reference: `${name}/app-${at}:v1`, tenant: 'evil', budgetMs: 20_000 });
      }
    }
    await settle();
    expect(hosts.pending).toBe(2_000);
    const result = inspect({ reference: 'good.example/app:v1', tenant: 'shop', budgetMs: 1_000 });
    await clock.advance(1_000);
    expect(await result).toMatch(/^resolved after (?:500|750) ms$/);
    await inspector.close();
  });

  test('a namespace that is alone gets all slots for hosts that have never answered', async () => {
    const { hosts, inspector, flood, settle } = start();
    flood('shop', 2_500, 1);
    await settle();
    expect(hosts.pending).toBe(256);
    await inspector.close();
  });

  test('namespaces that all need hosts that have never answered get equal shares', async () => {
    const { clock, hosts, inspector, flood, settle } = start();
    flood('evil', 2_000, 1, { budgetMs: 20_000 });
    await settle();
    await clock.advance(1_000);
    flood('shop', 500, 1, { budgetMs: 20_000 });
    await settle();
    await clock.advance(1_000);
    await settle();
    expect(hosts.maxPending).toBe(256);
    expect(hosts.pendingAt('silent-shop')).toBe(128);
    await inspector.close();
  });

  test('an image that several namespaces wait for belongs to all of them', async () => {
    const { clock, hosts, inspector, inspect, flood } = start();
    const reference = 'silent-shared.example/app:v1';
    void inspect({ reference, tenant: 'evil', budgetMs: 20_000 });
    void inspect({ reference, tenant: 'shop', budgetMs: 20_000 });
    flood('evil', 2_000, 1, { budgetMs: 20_000 });
    await clock.advance(1_000);
    flood('bank', 500, 1, { budgetMs: 20_000 });
    await clock.advance(2_000);
    expect(hosts.count('silent-shared.example')).toBe(1);
    expect(hosts.pendingAt('silent-shared')).toBe(1);
    await inspector.close();
  });

  test('PL9 beyond the bound of waiting images the result is "no answer yet"', async () => {
    const { clock, inspector, inspect, flood } = start();
    flood('evil', 4_256, 1, { budgetMs: 20_000 });
    expect(await inspect({ reference: 'silent-last.example/app:v1', tenant: 'evil' })).toBe('Deadline after 0 ms');
    await clock.advance(0);
    const other = inspect({ reference: 'good.example/app:v1', tenant: 'shop', budgetMs: 1_000 });
    await clock.advance(1_000);
    expect(await other).toMatch(/^resolved/);
    await inspector.close();
  });
});
