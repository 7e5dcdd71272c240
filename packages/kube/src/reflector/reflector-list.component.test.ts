import { afterEach, describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import { FakeApiServer, FakeClock, statusObject } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen } from '@archpolicy/testkit';
import { PATH, ReflectorRig, thing } from './fixtures/reflector-rig.ts';

const EXPIRED = `${JSON.stringify({ type: 'ERROR', object: statusObject(410, 'Expired') })}\n`;

const REPEATED_PAGE = { metadata: { resourceVersion: '7', continue: 'repeated' }, items: [] };

const onWatch =
  (fault: ApiFault) =>
  ({ query }: ApiRequestSeen): ApiFault | undefined =>
    query.get('watch') === 'true' ? fault : undefined;

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

  /** Applies one fault to each of the next LISTs or further pages, then none. */
  failNext(kind: 'list' | 'page', ...faults: readonly ApiFault[]): void {
    const left = [...faults];
    this.server.fault = ({ query }) => {
      if (query.get('watch') === 'true') return undefined;
      return (query.has('continue') ? 'page' : 'list') === kind ? left.shift() : undefined;
    };
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

describe('a reflector lists', () => {
  test('in pages of 500, then watches from the resource version of the list', async () => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 1_234; i += 1) scene.put(`pod-${i}`);
    const last = server.collection(PATH).objects.get('shop/pod-1233');
    const opened = server.nextWatch();
    expect(rig.reflector.hasSynced).toBe(false);
    rig.run();
    await rig.synced();
    const watch = await opened;
    expect(rig.store.size).toBe(1_234);
    expect(rig.reflector.hasSynced).toBe(true);
    expect(server.requests.map(({ query }) => query.get('limit'))).toEqual(['500', '500', '500', null]);
    expect(last).toMatchObject({ metadata: { resourceVersion: String(watch.from) } });
    const { query } = server.requests.at(-1)!;
    expect(query.get('allowWatchBookmarks')).toBe('true');
    expect(Number(query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(Number(query.get('timeoutSeconds'))).toBeLessThanOrEqual(600);
  });

  test('P8 and yields to the event loop while it deletes objects missing in a later list', async () => {
    const { rig } = await newScene();
    const gone = 20_000;
    for (let i = 0; i < gone; i += 1) {
      rig.store.set(`shop/gone-${i}`, { name: `gone-${i}`, uid: `${i}`, version: '1', value: '' });
    }
    rig.events.length = 0;
    rig.run();
    let before = 0;
    while (rig.events.length < gone) {
      await yieldToEventLoop();
      expect(rig.events.length - before).toBeLessThanOrEqual(5_000);
      before = rig.events.length;
    }
    await rig.synced();
    expect(rig.store.size).toBe(0);
  });

  test('again after an expired page', async () => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 700; i += 1) scene.put(`pod-${i}`);
    scene.failNext('page', { kind: 'answer', status: 410 });
    rig.run();
    await rig.synced();
    expect(rig.store.size).toBe(700);
    expect(server.lists(PATH)).toBe(2);
    expect(rig.failures).toEqual([{ failure: 'list-expired', delayMs: 800 }]);
  });

  test.each<[string, ApiFault]>([
    ['429', { kind: 'answer', status: 429, headers: { 'retry-after': '1' } }],
    ['500', { kind: 'answer', status: 500 }],
    ['504', { kind: 'answer', status: 504 }],
    ['a reset', { kind: 'reset' }],
    ['half a body', { kind: 'cut', body: '{"items":[{"metadata":{"na' }],
    ['not JSON', { kind: 'answer', status: 200, body: '<html>' }],
  ])('the page that failed again, not the pages before it, after %s', async (_, fault) => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 3_000; i += 1) scene.put(`pod-${i}`);
    scene.failNext('page', fault, fault, fault);
    rig.run();
    await rig.synced();
    expect(rig.store.size).toBe(3_000);
    expect(rig.failures).toHaveLength(3);
    // Six pages, and three repetitions.
    expect(server.requests.filter(({ query }) => query.has('limit'))).toHaveLength(9);
  });

  test('P2 deletes what is missing in a list of which a page was repeated', async () => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 1_200; i += 1) scene.put(`pod-${i}`);
    const opened = server.nextWatch();
    rig.run();
    const watch = await opened;
    watch.silence();
    for (let i = 0; i < 1_200; i += 2) scene.remove(`pod-${i}`);
    server.compact(PATH);
    scene.failNext('page', { kind: 'reset' });
    watch.reset();
    await rig.until(() => rig.store.size === 600);
    expect(rig.failures.map(({ failure }) => failure)).toContain('list-failed');
  });

  test('P2 deletes what was only in a first page that broke off', async () => {
    const scene = await newScene();
    const { rig } = scene;
    scene.put('stays');
    const gone = JSON.stringify({ metadata: { name: 'gone', namespace: 'shop', uid: 'gone', resourceVersion: '1' } });
    scene.failNext('list', { kind: 'cut', body: `{"items":[${gone},` });
    rig.run();
    await rig.synced();
    expect(rig.events.map(({ type, key }) => `${type} ${key}`)).toContain('added shop/gone');
    expect(Object.keys(rig.values())).toEqual(['stays']);
  });

  test.each<[string, ApiFault]>([
    ['fails', { kind: 'answer', status: 500 }],
    ['is followed by itself', { kind: 'answer', status: 200, body: REPEATED_PAGE }],
  ])('from the first page again, after ten times a page that %s', async (_, fault) => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 700; i += 1) scene.put(`pod-${i}`);
    scene.failNext('list', { kind: 'answer', status: 200, body: REPEATED_PAGE });
    const { fault: first } = server;
    server.fault = (seen) => (seen.query.get('continue') === 'repeated' ? fault : first(seen));
    rig.run();
    await rig.synced();
    expect(rig.failures).toHaveLength(10);
    expect(rig.store.size).toBe(700);
  });

  test.each([400, 403, 404, 410])('from the first page again, after a page was rejected with %d', async (status) => {
    const scene = await newScene();
    const { server, rig } = scene;
    for (let i = 0; i < 1_200; i += 1) scene.put(`pod-${i}`);
    scene.failNext('page', { kind: 'answer', status });
    rig.run();
    await rig.synced();
    expect(rig.store.size).toBe(1_200);
    // One page, the rejected one, and the three pages of the second list.
    expect(server.requests.filter(({ query }) => query.has('limit'))).toHaveLength(5);
  });

  test.each<[string, ApiFault]>([
    ['500', { kind: 'answer', status: 500 }],
    ['403', { kind: 'answer', status: 403 }],
    ['a list without a version', { kind: 'answer', status: 200, body: { items: [] } }],
    ['not JSON', { kind: 'answer', status: 200, body: '<html>' }],
    ['a reset', { kind: 'reset' }],
    ['half a body', { kind: 'cut', body: '{"items":[{"metadata":{"na' }],
  ])('again after %s', async (_, fault) => {
    const scene = await newScene();
    const { rig } = scene;
    scene.put('a');
    scene.failNext('list', fault, fault);
    rig.run();
    await rig.synced();
    expect(rig.store.size).toBe(1);
    expect(rig.failures).toEqual([
      { failure: 'list-failed', delayMs: 800 },
      { failure: 'list-failed', delayMs: 1_600 },
    ]);
  });

  test('again after a minute without a response', async () => {
    const scene = await newScene();
    const { rig, clock } = scene;
    scene.failNext('list', { kind: 'hang' });
    rig.run();
    await clock.untilSleeping((ms) => ms === 60_000);
    await clock.advance(60_000);
    await rig.synced();
    expect(rig.failures.map(({ failure }) => failure)).toEqual(['list-failed']);
  });

  test('again after the Retry-After of a 429', async () => {
    const scene = await newScene();
    scene.failNext('list', { kind: 'answer', status: 429, headers: { 'retry-after': '7' } });
    scene.rig.run();
    await scene.rig.synced();
    expect(scene.rig.failures).toEqual([{ failure: 'list-throttled', delayMs: 7_000 }]);
  });

  test.each<[string, (seen: ApiRequestSeen) => ApiFault | undefined]>([
    ['ends each watch with 410 as an event', onWatch({ kind: 'answer', status: 200, body: EXPIRED })],
    ['rejects each watch with 410', onWatch({ kind: 'answer', status: 410 })],
    ['rejects each watch with 500', onWatch({ kind: 'answer', status: 500 })],
    ['resets each watch', onWatch({ kind: 'reset' })],
    ['ends each watch at once', onWatch({ kind: 'answer', status: 200, body: '' })],
    ['expires each page', ({ query }) => (query.has('continue') ? { kind: 'answer', status: 410 } : undefined)],
    ['rejects each list with 410', () => ({ kind: 'answer', status: 410 })],
    ['rejects each list with 429', () => ({ kind: 'answer', status: 429 })],
    ['truncates each list', () => ({ kind: 'cut', body: '{"items":[{"meta' })],
  ])('at most 10 times in the first minute, though the server %s', async (_, fault) => {
    const scene = await newScene();
    const { server, rig, clock } = scene;
    for (let i = 0; i < 501; i += 1) scene.put(`pod-${i}`);
    server.fault = fault;
    rig.run();
    while (clock.monotonic() < 60_000) await new Promise(setImmediate);
    expect(rig.failures.length).toBeGreaterThan(3);
    expect(server.lists(PATH)).toBeGreaterThan(0);
    expect(server.lists(PATH)).toBeLessThanOrEqual(10);
    // After recovery nothing is missing.
    server.fault = () => undefined;
    scene.remove('pod-500');
    await rig.until(() => rig.store.size === 500);
  });

  test('despite objects that cannot be parsed and listeners that throw', async () => {
    const scene = await newScene();
    const { rig } = scene;
    scene.put('a', 'broken');
    scene.put('b', '1');
    scene.put('c', 'unwanted');
    const seen: string[] = [];
    rig.store.subscribe(() => {
      throw new Error('listener failed');
    });
    rig.store.subscribe(({ key }) => seen.push(key));
    rig.run();
    await rig.synced();
    expect(seen).toEqual(['shop/b']);
    expect(rig.listenerErrors).toHaveLength(1);
    expect(rig.unreadable).toEqual(['shop/a']);
    // An object that can no longer be parsed is removed.
    scene.put('b', 'broken');
    await rig.until(() => rig.store.size === 0);
  });

  test('until its signal is aborted, and leaves no connection and no timer', async () => {
    const { server, rig, clock } = await newScene();
    const opened = server.nextWatch();
    rig.run();
    const watch = await opened;
    const closed = new Promise<void>((resolve) => {
      watch.onClose(resolve);
    });
    await rig.close();
    await closed;
    expect(clock.sleeping).toEqual([]);
  });

  test('and aborts a wait for it with a signal', async () => {
    const scene = await newScene();
    scene.failNext('list', { kind: 'hang' });
    scene.rig.run();
    const controller = new AbortController();
    const synced = scene.rig.reflector.synced(controller.signal);
    controller.abort();
    await expect(synced).rejects.toMatchObject({ code: 'Aborted' });
  });
});
