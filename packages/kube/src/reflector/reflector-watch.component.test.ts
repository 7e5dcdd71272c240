import { afterEach, describe, expect, test } from '@jest/globals';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { OpenWatch } from '@archpolicy/testkit';
import { PATH, ReflectorRig, thing } from './fixtures/reflector-rig.ts';

/** A server, a clock and a reflector. */
class Scene {
  readonly server = new FakeApiServer();
  readonly clock = new FakeClock();
  #rig: ReflectorRig | undefined;

  get rig(): ReflectorRig {
    return this.#rig!;
  }

  async start(): Promise<this> {
    await this.server.start();
    this.#rig = new ReflectorRig(this.server.url, this.clock);
    return this;
  }

  put(name: string, value = ''): void {
    this.server.collection(PATH).put(thing(name, value));
  }

  remove(name: string): void {
    this.server.collection(PATH).remove(`shop/${name}`);
  }

  async close(): Promise<void> {
    await this.#rig?.close();
    await this.server.stop();
  }
}

const scenes: Scene[] = [];

async function newScene(): Promise<Scene> {
  const scene = await new Scene().start();
  scenes.push(scene);
  return scene;
}

afterEach(async () => {
  await Promise.all(scenes.splice(0).map((scene) => scene.close()));
});

/** Starts a scene with `a` and `b` in the store and an open watch. */
async function watching(): Promise<{
  readonly scene: Scene;
  readonly server: FakeApiServer;
  readonly clock: FakeClock;
  readonly rig: ReflectorRig;
  readonly watch: OpenWatch;
}> {
  const scene = await newScene();
  const { server, clock, rig } = scene;
  scene.put('a', '1');
  scene.put('b', '1');
  const opened = server.nextWatch();
  rig.run();
  const watch = await opened;
  await clock.untilSleeping(isWatchdog); // the reflector has the headers
  return { scene, server, clock, rig, watch };
}

const isWatchdog = (ms: number): boolean => ms === 200_000;

describe('a reflector watches', () => {
  test('stores additions and changes, and removes deleted objects', async () => {
    const { scene, rig } = await watching();
    rig.events.length = 0;
    scene.put('c', 'ü');
    scene.put('a', '2');
    scene.remove('b');
    await rig.until(() => rig.store.get('shop/b') === undefined);
    expect(rig.values()).toEqual({ a: '2', c: 'ü' });
    expect(rig.events.map(({ type, key, previous }) => [type, key, previous?.value])).toEqual([
      ['added', 'shop/c', undefined],
      ['updated', 'shop/a', '1'],
      ['deleted', 'shop/b', '1'],
    ]);
  });

  test('reports a pod replaced by one of the same name as deleted and added', async () => {
    const { scene, server, rig, watch } = await watching();
    const before = rig.store.get('shop/a')!;
    rig.events.length = 0;
    // The deletion falls into a gap that no watch covers.
    watch.silence();
    scene.remove('a');
    scene.put('a', 'new');
    server.compact(PATH);
    watch.reset();
    await rig.until(() => rig.store.get('shop/a')?.value === 'new');
    expect(rig.events.map(({ type, object }) => [type, object.uid === before.uid])).toEqual([
      ['deleted', true],
      ['added', false],
    ]);
  });

  test.each(['event', 'status'] as const)(
    'relists after an expired watch (410 as %s), and reports missed deletions',
    async (how) => {
      const { scene, server, rig, watch } = await watching();
      server.expiredWatch = how;
      watch.silence();
      scene.remove('a');
      scene.put('c', '1');
      server.compact(PATH);
      watch.reset();
      await rig.until(() => rig.store.get('shop/a') === undefined);
      expect(rig.values()).toEqual({ b: '1', c: '1' });
      expect(server.lists(PATH)).toBe(2);
      expect(rig.events.filter(({ type }) => type === 'deleted').map(({ key }) => key)).toEqual(['shop/a']);
      // Unchanged objects of the new list are not reported.
      expect(rig.events.filter(({ key }) => key === 'shop/b').map(({ type }) => type)).toEqual(['added']);
    },
  );

  test('resumes a watch that broke within a line from the last version, without a relist', async () => {
    const { scene, server, rig, watch } = await watching();
    watch.silence();
    scene.put('c', 'missed by the first watch');
    const again = server.nextWatch();
    const lines = server.collection(PATH).since(watch.from)!;
    await watch.resetMidLine({ type: 'ADDED', object: lines[0]!.object });
    expect((await again).from).toBe(watch.from);
    await rig.until(() => rig.store.get('shop/c') !== undefined);
    expect(server.lists(PATH)).toBe(1);
    expect(rig.failures).toEqual([{ failure: 'watch-failed', delayMs: 800 }]);
  });

  test('joins lines and characters that span chunks', async () => {
    const { rig, watch } = await watching();
    const object = {
      ...thing('c', 'größer 🙂'),
      metadata: { name: 'c', namespace: 'shop', uid: 'u', resourceVersion: '900' },
    };
    const bytes = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n\n`, 'utf8');
    for (const byte of bytes) watch.sendRaw(Buffer.from([byte]));
    await rig.until(() => rig.store.size === 3);
    expect(rig.values()['c']).toBe('größer 🙂');
  });

  test.each<[string, string]>([
    ['not JSON', '{"type":"ADDED","object":{"metadata":\n'],
    ['not an event', '{"kind":"Pod"}\n'],
    ['of an unknown type', '{"type":"RENAMED","object":{}}\n'],
  ])('ends only the watch for a line that is %s', async (_, line) => {
    const { scene, server, rig, watch } = await watching();
    const again = server.nextWatch();
    watch.sendRaw(line);
    await again;
    scene.put('c');
    await rig.until(() => rig.store.size === 3);
    expect(rig.failures).toEqual([{ failure: 'watch-failed', delayMs: 800 }]);
  });

  test('starts the next watch from the version of the last bookmark', async () => {
    const { server, rig, watch } = await watching();
    // Changes of another collection: the version grows without an event here.
    for (let i = 0; i < 10; i += 1) server.collection('/api/v1/nodes').put({ metadata: { name: `n-${i}` } });
    const again = server.nextWatch();
    server.bookmark(PATH);
    watch.end();
    expect((await again).from).toBe(watch.from + 10);
    expect(rig.failures).toEqual([]);
  });

  test('relists after a bookmark with an expired version, and reports missed deletions', async () => {
    const { scene, server, rig, watch } = await watching();
    server.collection('/api/v1/nodes').put({ metadata: { name: 'n' } });
    server.bookmark(PATH);
    watch.silence();
    scene.remove('a');
    for (let i = 0; i < 10; i += 1) server.collection('/api/v1/nodes').put({ metadata: { name: `n-${i}` } });
    server.compact(PATH);
    watch.reset();
    await rig.until(() => rig.store.get('shop/a') === undefined);
    expect(rig.values()).toEqual({ b: '1' });
    expect(rig.failures.map(({ failure }) => failure)).toEqual(['watch-failed', 'watch-expired']);
    expect(server.lists(PATH)).toBe(2);
  });

  test('P2 the delay before a relist after an expired watch does not depend on the outage before it', async () => {
    const { scene, server, rig, watch } = await watching();
    const statuses = [503, 410];
    server.fault = ({ query }) => {
      const status = query.has('watch') ? statuses.shift() : undefined;
      return status === undefined ? undefined : { kind: 'answer', status };
    };
    watch.silence();
    scene.remove('a');
    watch.reset();
    await rig.until(() => rig.store.get('shop/a') === undefined);
    expect(rig.failures).toEqual([
      { failure: 'watch-failed', delayMs: 800 },
      { failure: 'watch-failed', delayMs: 1_600 },
      { failure: 'watch-expired', delayMs: 800 },
    ]);
    expect(server.lists(PATH)).toBe(2);
  });

  test('replaces a silent watch within 200 s', async () => {
    const { scene, server, clock, rig, watch } = await watching();
    watch.silence();
    scene.put('c', 'missed');
    const again = server.nextWatch();
    await clock.advance(199_000);
    expect(rig.failures).toEqual([]);
    await clock.advance(1_000);
    await again;
    await rig.until(() => rig.store.size === 3);
    expect(server.lists(PATH)).toBe(1);
  });

  test('reopens a watch that ended normally at once; an immediate end counts as a failure', async () => {
    const { server, clock, rig, watch } = await watching();
    await clock.advance(60_000);
    const second = server.nextWatch();
    watch.end();
    const short = await second;
    expect(rig.failures).toEqual([]);
    const third = server.nextWatch();
    short.end();
    await third;
    expect(rig.failures).toEqual([{ failure: 'watch-too-short', delayMs: 800 }]);
    expect(server.lists(PATH)).toBe(1);
  });

  test.each([
    ['that delivered an event after 9 s', 9_000, 1_600],
    [
      'that delivered an event after 10 s, so that a second restart of the API server costs no more than the first',
      10_000,
      800,
    ],
  ])('P2 the delay after a watch %s', async (_, openMs, delayMs) => {
    const { scene, server, clock, rig, watch } = await watching();
    const second = server.nextWatch();
    watch.reset();
    const open = await second;
    await clock.untilSleeping(isWatchdog);
    await clock.advance(openMs);
    scene.put('c', '1');
    await rig.until(() => rig.store.get('shop/c') !== undefined);
    const third = server.nextWatch();
    open.reset();
    await third;
    expect(rig.failures.map((failure) => failure.delayMs)).toEqual([800, delayMs]);
  });

  test('reopens a watch after the Retry-After of a 429', async () => {
    const { server, rig, watch } = await watching();
    let refusals = 1;
    server.fault = () =>
      refusals-- > 0 ? { kind: 'answer', status: 429, headers: { 'retry-after': '5' } } : undefined;
    const again = server.nextWatch();
    watch.reset();
    await again;
    expect(rig.failures).toEqual([
      { failure: 'watch-failed', delayMs: 800 },
      { failure: 'watch-throttled', delayMs: 5_000 },
    ]);
    expect(server.lists(PATH)).toBe(1);
  });

  test.each([401, 403, 500, 503, 504])(
    'tries a watch that was rejected with %d again, without a relist',
    async (status) => {
      const { server, rig, watch } = await watching();
      let refusals = 1;
      server.fault = () => (refusals-- > 0 ? { kind: 'answer', status } : undefined);
      const again = server.nextWatch();
      watch.reset();
      await again;
      expect(server.lists(PATH)).toBe(1);
      expect(rig.failures).toHaveLength(2);
    },
  );

  test('starts at most one watch per second, though each ends after its first event', async () => {
    const { scene, server, clock, rig, watch } = await watching();
    let watches = 0;
    const startedAt = clock.monotonic();
    let open = watch;
    while (watches < 20) {
      const again = server.nextWatch();
      scene.put(`pod-${watches}`);
      open.end();
      open = await again;
      watches += 1;
    }
    expect(clock.monotonic() - startedAt).toBeGreaterThanOrEqual(19_000);
    expect(rig.failures).toEqual([]);
    expect(server.lists(PATH)).toBe(1);
  });

  test('relists after a watch was rejected repeatedly', async () => {
    const { scene, server, rig, watch } = await watching();
    let refusals = 2;
    // An API server with a storage restored from a backup: "Too large resource version".
    server.fault = () => (refusals-- > 0 ? { kind: 'answer', status: 504, headers: {} } : undefined);
    watch.silence();
    scene.remove('a');
    watch.reset();
    await rig.until(() => rig.store.get('shop/a') === undefined);
    expect(rig.failures.map(({ failure }) => failure)).toEqual(['watch-failed', 'watch-failed', 'watch-failed']);
    expect(server.lists(PATH)).toBe(2);
  });

  test('relists after the third consecutive broken watch', async () => {
    const { server, rig, watch } = await watching();
    let open = watch;
    for (let broken = 0; broken < 3; broken += 1) {
      const again = server.nextWatch();
      open.reset();
      open = await again;
    }
    expect(rig.failures.map(({ failure }) => failure)).toEqual(['watch-failed', 'watch-failed', 'watch-failed']);
    expect(server.lists(PATH)).toBe(2);
  });

  test('P2 after a restart of the API server the store equals a fresh list, nothing lost', async () => {
    const { scene, server, rig } = await watching();
    const { port } = server;
    await server.stop();
    expect(rig.values()).toEqual({ a: '1', b: '1' }); // stale, not empty
    scene.remove('a');
    scene.put('c', '1');
    server.compact(PATH);
    await server.start(port);
    await rig.until(() => rig.store.get('shop/a') === undefined);
    expect(rig.values()).toEqual({ b: '1', c: '1' });
    expect(server.lists(PATH)).toBeLessThanOrEqual(10);
  });
});
