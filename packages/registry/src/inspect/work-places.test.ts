import { describe, expect, test } from '@jest/globals';
import { WorkPlaces } from './work-places.ts';

const forEver = (): Promise<never> => new Promise(() => undefined);

function fill(places: WorkPlaces, host: string, count: number): number {
  let started = 0;
  for (let at = 0; at < count; at += 1) {
    if (!places.hasRoom(host, `app-${at}`)) continue;
    started += 1;
    void places.hold(host, `app-${at}`, forEver);
  }
  return started;
}

describe('K5 work in flight', () => {
  test('K5 64 images of one host, and then those of another', () => {
    const places = new WorkPlaces();
    expect(fill(places, 'hanging.example', 100)).toBe(64);
    expect(places.hasRoom('other.example', 'app')).toBe(true);
    expect(places.hasRoom('hanging.example', 'app-0')).toBe(true);
  });

  test('K5 2,000 images in all', () => {
    const places = new WorkPlaces();
    const started = Array.from({ length: 40 }, (_, at) => fill(places, `host-${at}.example`, 64));
    expect(started.reduce((sum, count) => sum + count, 0)).toBe(2_000);
  });

  test('K5 a place is free when the last work on its image ends, whatever came of it', async () => {
    const places = new WorkPlaces();
    fill(places, 'registry.example', 63);
    const ends: (() => void)[] = [];
    const work = (): Promise<void> =>
      new Promise((_, reject) =>
        ends.push(() => {
          reject(new Error('ended'));
        }),
      );
    const works = [1, 2].map(() => places.hold('registry.example', 'last', work).catch(() => undefined));
    expect(places.hasRoom('registry.example', 'more')).toBe(false);
    ends[0]?.();
    await works[0];
    expect(places.hasRoom('registry.example', 'more')).toBe(false);
    ends[1]?.();
    await works[1];
    expect(places.hasRoom('registry.example', 'more')).toBe(true);
  });
});
