import { describe, expect, test } from '@jest/globals';
import { WorkPlaces } from './work-places.ts';
import type { PlaceOf } from './work-places.ts';

/** Work that goes on until the test ends it. */
class Rig {
  readonly places = new WorkPlaces();
  /** What has started and not ended, in its order: `host image`. */
  readonly running: string[] = [];
  readonly #ends = new Map<string, (() => void)[]>();

  /** Whether it was taken in; never rejects. */
  ask(host: string, image: string, priority: PlaceOf['priority'] = 'admission'): boolean {
    const name = `${host} ${image}`;
    const held = this.places.hold({ priority, host, image }, () => {
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

  /** How many of so many images were taken in. */
  fill(host: string, count: number, priority: PlaceOf['priority'] = 'admission'): number {
    return Array.from({ length: count }).filter((_, at) => this.ask(host, `app-${at}`, priority)).length;
  }

  /** Ends the oldest work on an image, by an error. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)?.shift()?.();
    this.running.splice(this.running.indexOf(name), 1);
    await new Promise((resolve) => setImmediate(resolve));
  }

  get last(): string | undefined {
    return this.running.at(-1);
  }
}

describe('K5 work in flight', () => {
  test('K5 64 images of one host, the others wait; those of another host do not', () => {
    const rig = new Rig();
    rig.fill('hanging.example', 100);
    expect(rig.running).toHaveLength(64);
    rig.ask('other.example', 'app');
    expect(rig.last).toBe('other.example app');
  });

  test('K5 who waits longest is next, whatever came of the work before', async () => {
    const rig = new Rig();
    rig.fill('registry.example', 66);
    await rig.end('registry.example app-7');
    expect(rig.last).toBe('registry.example app-64');
    await rig.end('registry.example app-0');
    expect(rig.last).toBe('registry.example app-65');
    await rig.end('registry.example app-1');
    expect(rig.running).toHaveLength(63);
  });

  test('K5 more work on an image that is being worked on needs no place, and its place is free with the last of it', async () => {
    const rig = new Rig();
    rig.fill('registry.example', 64);
    rig.ask('registry.example', 'app-0');
    expect(rig.last).toBe('registry.example app-0');
    rig.ask('registry.example', 'next');
    await rig.end('registry.example app-0');
    expect(rig.running).not.toContain('registry.example next');
    await rig.end('registry.example app-0');
    expect(rig.last).toBe('registry.example next');
  });

  test('K5 two that wait for the same image take one place', async () => {
    const rig = new Rig();
    rig.fill('registry.example', 64);
    for (const image of ['same', 'same', 'other']) rig.ask('registry.example', image);
    await rig.end('registry.example app-0');
    expect(rig.running.slice(-2)).toEqual(['registry.example same', 'registry.example same']);
    await rig.end('registry.example app-1');
    expect(rig.last).toBe('registry.example other');
  });

  test('K5 what can wait takes no place that a pod needs', () => {
    const rig = new Rig();
    rig.fill('registry.example', 100, 'background');
    expect(rig.running).toHaveLength(64);
    rig.ask('registry.example', 'pod');
    expect(rig.last).toBe('registry.example pod');
  });

  test('K5 2,000 images in all; then pods come before what can wait, and hosts take turns', async () => {
    const rig = new Rig();
    for (let at = 0; at < 40; at += 1) rig.fill(`host-${at}.example`, 64);
    expect(rig.running).toHaveLength(2_000);
    // Hosts 31 to 39 have somebody waiting: 16 of the first, all of the others.
    rig.ask('later.example', 'recheck', 'background');
    rig.ask('last.example', 'pod');
    const next: (string | undefined)[] = [];
    for (let at = 0; at < 11; at += 1) {
      await rig.end(`host-0.example app-${at}`);
      next.push(rig.last);
    }
    const hosts = Array.from({ length: 8 }, (_, at) => `host-${32 + at}.example app-0`);
    expect(next).toEqual(['host-31.example app-16', ...hosts, 'last.example pod', 'host-31.example app-17']);
  });

  test('K5 4,000 wait for one host and 10,000 in all: who comes then is told at once', () => {
    const rig = new Rig();
    expect(rig.fill('one.example', 5_000)).toBe(4_064);
    expect(rig.fill('two.example', 5_000)).toBe(4_064);
    expect(rig.fill('three.example', 5_000)).toBe(2_064);
    expect(rig.ask('three.example', 'app-0')).toBe(true);
  });
});
