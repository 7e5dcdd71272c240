import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import { ScriptedHosts } from '../fixtures/scripted-hosts.ts';
import type { InspectRequest } from './inspect-request.ts';

const HOST = 'registry.example';
const MINUTE = 60_000;

class Rig {
  readonly clock = new FakeClock();
  readonly hosts = new ScriptedHosts();
  readonly inspector = createInspector({ clock: this.clock, sender: this.hosts });

  async inspect(image: string, tenant: string, request: Partial<InspectRequest> = {}): Promise<string> {
    const reference = `${HOST}/${image}`;
    const inspection: Inspection = await this.inspector.inspect({ reference, tenant, budgetMs: 400, ...request });
    return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
  }

  /** Inspects new tags. Returns the number of each result. */
  async newTags(tenant: string, count: number, request: Partial<InspectRequest> = {}): Promise<object> {
    const names = Array.from({ length: count }, (_, at) => `${tenant}:v${at}`);
    const all = Promise.all(names.map((name) => this.inspect(name, tenant, request)));
    await this.clock.advance(1_000);
    const outcomes: Record<string, number> = {};
    for (const outcome of await all) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return outcomes;
  }
}

const dryRun = { isDryRun: true };

describe('K5 the new images of a namespace', () => {
  test.each([
    ['that the registry does not report', false],
    ['that the registry reports', true],
  ])('a dry run of 250 new tags leaves a quota of 100, %s, to other namespaces', async (_, reportsQuota) => {
    const rig = new Rig();
    Object.assign(rig.hosts, { quota: 100, reportsQuota });
    await rig.newTags('evil', 250, dryRun);
    await rig.clock.advance(MINUTE);
    expect(rig.hosts.requests.length).toBeLessThanOrEqual(30);
    expect(await rig.inspect('shop:v1', 'shop')).toBe('resolved');
    await rig.inspector.close();
  });

  test('dry runs, however many, leave half of a quota that the registry reports', async () => {
    const rig = new Rig();
    Object.assign(rig.hosts, { quota: 100, reportsQuota: true });
    for (let at = 0; at < 60; at += 1) {
      await rig.newTags(`evil-${at}`, 50, dryRun);
      await rig.clock.advance(MINUTE);
    }
    expect(rig.hosts.quota).toBeGreaterThanOrEqual(49);
    await rig.inspector.close();
  });

  test('pods with 250 new tags leave half of a quota that the registry reports', async () => {
    const rig = new Rig();
    Object.assign(rig.hosts, { quota: 100, reportsQuota: true });
    expect(await rig.newTags('evil', 250)).toEqual({ resolved: 50, Deadline: 200 });
    expect(await rig.inspect('shop:v1', 'shop')).toBe('resolved');
    // Over its share the work waits, and is done later.
    await rig.clock.advance(MINUTE);
    expect(await rig.inspect('evil:v249', 'evil')).toBe('resolved');
    await rig.inspector.close();
  });

  test('a namespace that is alone has 500 new tags inspected at once', async () => {
    const rig = new Rig();
    expect(await rig.newTags('shop', 500)).toEqual({ resolved: 500 });
    await rig.inspector.close();
  });

  test('PL9 a dry run is answered from the cache; what its share allows is inspected in the background', async () => {
    const rig = new Rig();
    expect(await rig.newTags('shop', 10)).toEqual({ resolved: 10 });
    expect(await rig.newTags('shop', 10, dryRun)).toEqual({ resolved: 10 });
    expect(rig.hosts.requests).toHaveLength(10);
    expect(await rig.newTags('bank', 30, dryRun)).toEqual({ resolved: 2, Deadline: 28 });
    await rig.clock.advance(10_000);
    // Five a second, as for a recheck, up to the share of the namespace.
    expect(rig.hosts.requests).toHaveLength(10 + 20);
    expect(await rig.newTags('bank', 20, dryRun)).toMatchObject({ resolved: 20 });
    await rig.inspector.close();
  });

  test('all dry runs together inspect 60 new images, then one a second', async () => {
    const rig = new Rig();
    for (let at = 0; at < 20; at += 1) void rig.newTags(`evil-${at}`, 20, dryRun);
    await rig.clock.advance(30_000);
    expect(rig.hosts.requests.length).toBeLessThanOrEqual(60 + 30);
    await rig.inspector.close();
  });

  test('PL9 a pod that needs the image of a dry run does not wait for the share of the dry run', async () => {
    const rig = new Rig();
    void rig.newTags('evil', 100, dryRun);
    await rig.clock.advance(2_000);
    expect(await rig.inspect('evil:v99', 'shop')).toBe('resolved');
    await rig.inspector.close();
  });
});
