import { describe, expect, test } from '@jest/globals';
import { KeyedConcurrencyLimit } from '@archpolicy/async';
import { INSPECTION_LIMIT } from './inspection-limit.ts';
import type { InspectionPriority } from './inspect-request.ts';

/** Work that continues until the test ends it. */
class Rig {
  readonly #limit = new KeyedConcurrencyLimit(INSPECTION_LIMIT);
  /** The running work in the order of its start: `host image`. */
  readonly running: string[] = [];
  readonly #ends = new Map<string, (() => void)[]>();

  /** Returns whether the work was accepted. */
  submit(host: string, image: string, priority: InspectionPriority = 'admission'): boolean {
    const name = `${host} ${image}`;
    const held = this.#limit.run({ priority, key: host, item: image }, () => {
      this.running.push(name);
      return new Promise<void>((_, reject) => {
        const end = (): void => {
          reject(new Error('ended'));
        };
        this.#ends.set(name, [...(this.#ends.get(name) ?? []), end]);
      });
    });
    held?.catch(() => undefined);
    return held !== undefined;
  }

  /** Submits `count` images, and returns how many were accepted. */
  fill(host: string, count: number, priority: InspectionPriority = 'admission'): number {
    return Array.from({ length: count }).filter((_, at) => this.submit(host, `app-${at}`, priority)).length;
  }

  /** Ends the oldest work on an image with an error. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)?.shift()?.();
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
    // Images of hosts 31 to 39 wait: 16 images of host 31, and all images of the other hosts.
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

  test('K5 beyond 4,000 waiters for one host or 10,000 in all, inspections are rejected immediately', () => {
    const rig = new Rig();
    expect(rig.fill('one.example', 5_000)).toBe(4_064);
    expect(rig.fill('two.example', 5_000)).toBe(4_064);
    expect(rig.fill('three.example', 5_000)).toBe(2_064);
    expect(rig.submit('three.example', 'app-0')).toBe(true);
  });
});
