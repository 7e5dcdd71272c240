import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { OpenWatch } from '@archpolicy/testkit';
import { PATH, ReflectorRig, thing } from './fixtures/reflector-rig.ts';

/** A change of the server or a fault of its connection to the reflector. */
type Step =
  | { readonly kind: 'put' | 'remove'; readonly name: string; readonly value: string }
  | { readonly kind: 'reset' | 'end' | 'cut-line' | 'garbage' | 'silence' | 'compact' | 'bookmark' | 'yield' }
  | { readonly kind: 'refuse'; readonly status: number; readonly times: number };

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');

const steps = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      name: names,
      value: fc.string({ maxLength: 4, unit: 'grapheme' }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), name: names, value: fc.constant('') }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('reset', 'end', 'cut-line', 'garbage', 'silence', 'compact', 'bookmark'),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('yield' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('refuse' as const),
      status: fc.constantFrom(410, 429, 500, 503),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

type Act = (server: FakeApiServer, watch: OpenWatch | undefined) => Promise<void> | void;

const acts: Readonly<Record<Exclude<Step['kind'], 'put' | 'remove' | 'refuse'>, Act>> = {
  reset: (_, watch) => watch?.reset(),
  end: (_, watch) => watch?.end(),
  'cut-line': (_, watch) =>
    watch?.resetMidLine({ type: 'ADDED', object: thing('never', 'half a line must not count') }),
  garbage: (_, watch) => watch?.sendRaw('{"type":"ADDED","object":7}\n'),
  silence: (_, watch) => watch?.silence(),
  compact: (server) => {
    server.compact(PATH);
  },
  bookmark: (server) => {
    server.bookmark(PATH);
  },
  // Lets the reflector run, usually until it has a watch again.
  yield: async (server) => {
    for (let i = 0; i < 100 && server.watches.size === 0; i += 1) await new Promise(setImmediate);
    await new Promise(setImmediate);
  },
};

async function take(step: Step, server: FakeApiServer): Promise<void> {
  const [watch] = server.watches;
  if (step.kind === 'put') {
    server.collection(PATH).put(thing(step.name, step.value));
  } else if (step.kind === 'remove') {
    server.collection(PATH).remove(`shop/${step.name}`);
  } else if (step.kind === 'refuse') {
    let left = step.times;
    server.fault = () => ((left -= 1) >= 0 ? { kind: 'answer', status: step.status } : undefined);
  } else {
    await acts[step.kind](server, watch);
  }
}

/** Runs a reflector through the script. Returns the versions in its store, in its events and on the server. */
async function live(
  script: readonly Step[],
): Promise<{ readonly store: unknown; readonly notified: unknown; readonly server: unknown }> {
  const server = await new FakeApiServer().start();
  const clock = new FakeClock();
  const rig = new ReflectorRig(server.url, clock);
  // The state that the events describe.
  const notified = new Map<string, string>();
  rig.store.subscribe(({ type, key, object }) => {
    if (type === 'deleted') notified.delete(key);
    else notified.set(key, object.version);
  });
  try {
    rig.run();
    for (const step of script) await take(step, server);
    await settle(server, clock, rig);
    const versions = [...server.collection(PATH).objects].map(([key, { metadata }]) => [key, metadata]);
    return {
      store: Object.fromEntries(rig.store.list().map(({ name, version }) => [`shop/${name}`, version])),
      notified: Object.fromEntries(notified),
      server: Object.fromEntries(
        versions.map(([key, metadata]) => [key, (metadata as { readonly resourceVersion: string }).resourceVersion]),
      ),
    };
  } finally {
    await rig.close();
    await server.stop();
  }
}

/** Ends all faults and adds a last object. The idle timeout ends silent watches. */
async function settle(server: FakeApiServer, clock: FakeClock, rig: ReflectorRig): Promise<void> {
  server.fault = () => undefined;
  server.collection(PATH).put(thing('last', 'last'));
  const arrived = (): boolean => rig.store.get('shop/last') !== undefined;
  const done = rig.until(arrived);
  const arrivedOrSleeping = async (): Promise<void> => {
    await Promise.race([done, clock.untilSleeping((ms) => ms <= 200_000 && ms > 60_000)]);
    for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  };
  await arrivedOrSleeping();
  while (!arrived()) {
    await clock.advance(200_000);
    await arrivedOrSleeping();
  }
}

test('after random changes and disconnections the store and its events match the server', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40, size: 'max' }), async (script) => {
      const { store, notified, server } = await live(script);
      expect(store).toEqual(server);
      expect(notified).toEqual(server);
    }),
    { numRuns: 100 },
  );
}, 60_000);
