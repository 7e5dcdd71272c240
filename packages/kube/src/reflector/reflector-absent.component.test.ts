import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { ApiFault } from '@archpolicy/testkit';
import { PATH, ReflectorRig, thing } from './fixtures/reflector-rig.ts';

/** The response for a resource that the API server does not serve is no Status object. */
const ABSENT: ApiFault = { kind: 'answer', status: 404, body: '404 page not found\n' };

describe('a collection that the API server does not serve', () => {
  let server: FakeApiServer;
  let clock: FakeClock;
  let rig: ReflectorRig;

  beforeEach(async () => {
    server = await new FakeApiServer().start();
    clock = new FakeClock();
    rig = new ReflectorRig(server.url, clock, { absentIsEmpty: true });
  });

  afterEach(async () => {
    await rig.close();
    await server.stop();
  });

  const yieldUntil = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise(setImmediate);
  };

  test('is empty and in sync from the third response on, and is listed again until it exists', async () => {
    server.fault = () => ABSENT;
    rig.run();
    await rig.synced();
    expect([rig.store.size, rig.reflector.hasSynced]).toEqual([0, true]);
    await yieldUntil(() => rig.failures.length >= 5);
    expect(rig.failures.slice(0, 3)).toEqual([
      { failure: 'list-failed', delayMs: 800 },
      { failure: 'list-failed', delayMs: 1_600 },
      { failure: 'list-absent', delayMs: 3_200 },
    ]);
    expect(rig.reflector.updatedAtMs).toBeGreaterThan(800);
    server.fault = () => undefined;
    server.collection(PATH).put(thing('a'));
    await rig.until(() => rig.store.size === 1);
    const watching = rig.until(() => rig.store.size === 2);
    server.collection(PATH).put(thing('b'));
    await watching;
  });

  test('PL12 is not empty at a start because of one response, which may come from an API server that also starts', async () => {
    server.collection(PATH).put(thing('a'));
    const faults = [ABSENT, ABSENT];
    server.fault = () => faults.shift();
    rig.run();
    await rig.synced();
    expect(rig.store.size).toBe(1);
  });

  test('loses its objects when it is deleted while no watch is open, within 15 seconds', async () => {
    server.collection(PATH).put(thing('a'));
    server.collection(PATH).put(thing('b'));
    const opened = server.nextWatch();
    rig.run();
    const watch = await opened;
    server.fault = () => ABSENT;
    watch.reset();
    const startedAtMs = clock.monotonic();
    await rig.until(() => rig.store.size === 0);
    expect(rig.events.filter(({ type }) => type === 'deleted').map(({ key }) => key)).toEqual(['shop/a', 'shop/b']);
    expect(clock.monotonic() - startedAtMs).toBeLessThan(15_000);
  });

  test.each<[string, readonly ApiFault[]]>([
    ['two responses 404', [ABSENT, ABSENT]],
    ['any number of other errors', Array<ApiFault>(20).fill({ kind: 'answer', status: 403 })],
    ['lost connections', Array<ApiFault>(20).fill({ kind: 'reset' })],
  ])('keeps its objects after %s', async (_, faults) => {
    server.collection(PATH).put(thing('a'));
    const opened = server.nextWatch();
    rig.run();
    const watch = await opened;
    const left = [...faults];
    server.fault = () => left.shift();
    watch.reset();
    await yieldUntil(() => left.length === 0);
    const changed = rig.until(() => rig.store.size === 2);
    server.collection(PATH).put(thing('b'));
    await changed;
    expect(rig.events.filter(({ type }) => type === 'deleted')).toEqual([]);
  });

  test('keeps its objects if it must exist, as pods and nodes must', async () => {
    const other = new ReflectorRig(server.url, clock);
    server.collection(PATH).put(thing('a'));
    const opened = server.nextWatch();
    other.run();
    const watch = await opened;
    server.fault = () => ABSENT;
    watch.reset();
    await yieldUntil(() => other.failures.length >= 20);
    expect([other.store.size, other.reflector.hasSynced]).toEqual([1, true]);
    await other.close();
  });
});
