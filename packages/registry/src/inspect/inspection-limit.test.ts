import { describe, expect, test } from '@jest/globals';
import { SharedWork } from '@archpolicy/async';
import { FakeClock } from '@archpolicy/testkit';
import { INSPECTION_LIMITS, slotsFor } from './inspection-limit.ts';
import type { InspectionClass } from './inspection-limit.ts';

/** Work of one namespace at hosts that have answered. It continues until the test ends it. */
class Rig {
  readonly #work = new SharedWork<InspectionClass, void>({ ...INSPECTION_LIMITS, clock: new FakeClock() });
  /** The running work in the order of its start: `host image`. */
  readonly running: string[] = [];
  readonly #ends = new Map<string, () => void>();

  /** Returns whether the work was accepted. */
  submit(host: string, image: string, priority: InspectionClass = 'admission'): boolean {
    const name = `${host} ${image}`;
    const pools = () => slotsFor(priority, host, true);
    const slot = { key: `${priority} ${name}`, priority, tenant: 'shop', group: host, isKept: false, pools };
    const joined = this.#work.join(slot, () => {
      this.running.push(name);
      return new Promise<void>((_, reject) => {
        this.#ends.set(name, () => {
          reject(new Error('ended'));
        });
      });
    });
    joined?.result.catch(() => undefined);
    return joined !== undefined;
  }

  /** Submits `count` images, and returns how many were accepted. */
  fill(host: string, count: number, priority: InspectionClass = 'admission'): number {
    return Array.from({ length: count }).filter((_, at) => this.submit(host, `app-${at}`, priority)).length;
  }

  /** Ends the work on an image with an error. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    this.running.splice(this.running.indexOf(name), 1);
    await new Promise((resolve) => setImmediate(resolve));
  }

  get last(): string | undefined {
    return this.running.at(-1);
  }
}

describe('K5 concurrent inspections', () => {
  test('K5 64 images of one host are inspected concurrently; images of another host do not wait for them', () => {
    const rig = new Rig();
    rig.fill('hanging.example', 100);
    expect(rig.running).toHaveLength(64);
    rig.submit('other.example', 'app');
    expect(rig.last).toBe('other.example app');
  });

  test('K5 background inspections leave slots for pods', () => {
    const rig = new Rig();
    rig.fill('registry.example', 100, 'background');
    expect(rig.running).toHaveLength(64);
    rig.submit('registry.example', 'pod');
    expect(rig.last).toBe('registry.example pod');
  });

  test('K5 beyond 2,000 images, pods run before background inspections, and hosts are served round-robin', async () => {
    const rig = new Rig();
    for (let at = 0; at < 40; at += 1) rig.fill(`host-${at}.example`, 64);
    expect(rig.running).toHaveLength(2_000);
    // Images of hosts 31 to 39 wait: 16 of host 31, all of the others.
    rig.submit('later.example', 'recheck', 'background');
    rig.submit('last.example', 'pod');
    const next: (string | undefined)[] = [];
    for (let at = 0; at < 11; at += 1) {
      await rig.end(`host-0.example app-${at}`);
      next.push(rig.last);
    }
    const hosts = Array.from({ length: 8 }, (_, at) => `host-${32 + at}.example app-0`);
    expect(next).toEqual(['host-31.example app-16', ...hosts, 'last.example pod', 'host-31.example app-17']);
  });

  test('K5 beyond 4,000 waiting images, those of this namespace are not accepted, but another pod for one of them is', () => {
    const rig = new Rig();
    expect(rig.fill('one.example', 5_000)).toBe(4_064);
    expect(rig.fill('two.example', 100)).toBe(64);
    expect(rig.submit('one.example', 'app-0')).toBe(true);
  });

  test('K5 at a host that has never answered, 4 images are inspected concurrently, and 256 at all such hosts', () => {
    expect(slotsFor('admission', 'new.example', false)).toEqual([
      { name: 'unknown hosts', size: 256, isShared: true },
      { name: 'admission new.example', size: 4 },
    ]);
  });
});
