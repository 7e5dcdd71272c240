import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { onAbort } from '@archpolicy/async';
import { FakeClock } from '@archpolicy/testkit';
import { HostResolver } from './host-resolver.ts';
import type { HostResolution } from './host-resolver.ts';
import type { Query, QueryOutcome } from './query.ts';

/** The bounds of lookups in flight, per domain and in all. */
const [MAX_PER_DOMAIN, MAX_IN_ALL] = [8, 512];
const never = new AbortController().signal;
const resolvedTo = (address: string): HostResolution => ({ kind: 'resolved', addresses: [{ address, family: 4 }] });

let directory: string;
let clock: FakeClock;
let resolver: HostResolver;
/** The names of all queries, and what ends those in flight. */
let sent: string[];
let inFlight: Map<string, (outcome: QueryOutcome) => void>;

const write = (file: string, text: string): void => {
  writeFileSync(join(directory, file), text);
};

function answer(name: string, address = '192.0.2.1', ttlMs = 60_000): void {
  inFlight.get(name)?.({ kind: 'addresses', records: [{ address, family: 4, ttlMs }] });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'archpolicy-dns-'));
  write('resolv.conf', 'nameserver 10.0.0.1\nsearch .\noptions ndots:0\n');
  write('hosts', '192.0.2.9 In.File\n');
  clock = new FakeClock();
  sent = [];
  inFlight = new Map();
  resolver = new HostResolver({
    clock,
    paths: { resolvConf: join(directory, 'resolv.conf'), hosts: join(directory, 'hosts') },
    interfaces: () => [{ address: '10.0.0.2', family: 'IPv4', internal: false, netmask: '', mac: '', cidr: null }],
    sendQuery: ({ name }: Query, signal) =>
      new Promise((resolve) => {
        sent.push(name);
        const end = (outcome: QueryOutcome): void => {
          inFlight.delete(name);
          resolve(outcome);
        };
        inFlight.set(name, end);
        onAbort(signal, () => {
          end({ kind: 'no-answer' });
        });
      }),
  });
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('I10 the cache of names', () => {
  test('I10 concurrent calls for one name, in any case, share one lookup', async () => {
    const calls = ['a.test', 'A.test', 'a.TEST'].map((name) => resolver.resolve(name, never));
    await clock.advance(0);
    answer('a.test');
    expect(await Promise.all(calls)).toEqual(calls.map(() => resolvedTo('192.0.2.1')));
    expect(sent).toEqual(['a.test']);
  });

  test.each([
    [0, 1_000],
    [5_000, 5_000],
    [3_600_000, 10_000],
  ])('I10 addresses with a TTL of %d ms are kept for %d ms', async (ttlMs, keptMs) => {
    const first = resolver.resolve('a.test', never);
    answer('a.test', '192.0.2.1', ttlMs);
    await first;
    await clock.advance(keptMs - 1);
    expect(await resolver.resolve('a.test', never)).toEqual(resolvedTo('192.0.2.1'));
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    const second = resolver.resolve('a.test', never);
    answer('a.test', '192.0.2.2');
    expect(await second).toEqual(resolvedTo('192.0.2.2'));
  });

  test.each([
    ['no-name', 'not-found'],
    ['no-data', 'not-found'],
  ] as const)('I10 the failure %s is kept for 5 s', async (kind, expected) => {
    const first = resolver.resolve('a.test', never);
    inFlight.get('a.test')?.({ kind });
    expect(await first).toEqual({ kind: expected });
    await clock.advance(4_999);
    expect(await resolver.resolve('a.test', never)).toEqual({ kind: expected });
    await clock.advance(1);
    void resolver.resolve('a.test', never);
    expect(sent).toHaveLength(2);
  });

  test('I10 a silent name fails after both attempts, and the failure is kept for 5 s', async () => {
    const first = resolver.resolve('silent.test', never);
    await clock.advance(1_000);
    await clock.advance(2_000);
    expect(await first).toEqual({ kind: 'no-answer' });
    expect(await resolver.resolve('silent.test', never)).toEqual({ kind: 'no-answer' });
    expect(sent).toEqual(['silent.test', 'silent.test']);
  });
});

describe('I10 the files of the system', () => {
  test('I10 a name of the hosts file is not queried', async () => {
    expect(await resolver.resolve('IN.file', never)).toEqual(resolvedTo('192.0.2.9'));
    expect(sent).toEqual([]);
  });

  test('I10 a change discards cached names, also that of a lookup in flight', async () => {
    const before = resolver.resolve('a.test', never);
    write('hosts', '192.0.2.30 other.file\n');
    await clock.advance(1_000);
    expect(await resolver.resolve('other.file', never)).toEqual(resolvedTo('192.0.2.30'));
    answer('a.test', '192.0.2.1');
    expect(await before).toEqual(resolvedTo('192.0.2.1'));
    const after = resolver.resolve('a.test', never);
    answer('a.test', '192.0.2.2');
    expect(await after).toEqual(resolvedTo('192.0.2.2'));
  });

  test('I10 a file that cannot be read keeps its last content', async () => {
    await resolver.resolve('in.file', never);
    rmSync(join(directory, 'hosts'));
    await clock.advance(1_000);
    expect(await resolver.resolve('in.file', never)).toEqual(resolvedTo('192.0.2.9'));
  });
});

describe('I10 the bounds of lookups', () => {
  test('I10 a domain has 8 lookups in flight, and delays no other domain', async () => {
    const calls = Array.from({ length: 20 }, (_, index) => resolver.resolve(`host-${index}.silent.example`, never));
    expect(sent).toHaveLength(MAX_PER_DOMAIN);
    const other = resolver.resolve('registry.example.com', never);
    answer('registry.example.com');
    expect(await other).toEqual(resolvedTo('192.0.2.1'));
    for (let index = 0; index < 20; index += 1) {
      answer(`host-${index}.silent.example`);
      await clock.advance(0);
    }
    expect((await Promise.all(calls)).every(({ kind }) => kind === 'resolved')).toBe(true);
  });

  test.each([
    ['silent names of its domain', (index: number) => `host-${index}.corp.example`],
    ['names of silent domains', (index: number) => `host.d${index}.example`],
  ])('I10 a name that was found before does not wait for %s', async (_, madeUp) => {
    const registry = 'registry.corp.example';
    const before = resolver.resolve(registry, never);
    answer(registry, '192.0.2.1', 0);
    await before;
    for (let index = 0; index < MAX_IN_ALL + 100; index += 1) void resolver.resolve(madeUp(index), never);
    await clock.advance(1_000);
    const after = resolver.resolve(registry, never);
    answer(registry, '192.0.2.2');
    expect(await after).toEqual(resolvedTo('192.0.2.2'));
  });

  test('I10 a name whose last lookup failed waits like a new one', async () => {
    const name = 'host.silent.example';
    const before = resolver.resolve(name, never);
    answer(name, '192.0.2.1', 0);
    await before;
    await clock.advance(1_000);
    const failed = resolver.resolve(name, never);
    inFlight.get(name)?.({ kind: 'no-name' });
    expect(await failed).toEqual({ kind: 'not-found' });
    await clock.advance(5_000);
    for (let index = 0; index < MAX_PER_DOMAIN; index += 1)
      void resolver.resolve(`host-${index}.silent.example`, never);
    void resolver.resolve(name, never);
    expect(resolver.isQueued(name)).toBe(true);
  });

  test('I10 all domains together have 512 lookups in flight; one that ends makes room for the next', async () => {
    const calls = Array.from({ length: MAX_IN_ALL + 1 }, (_, index) =>
      resolver.resolve(`host.d${index}.example`, never),
    );
    expect(sent).toHaveLength(MAX_IN_ALL);
    answer('host.d0.example');
    await calls[0];
    await clock.advance(0);
    expect(sent).toHaveLength(MAX_IN_ALL + 1);
  });

  test('I10 a lookup is cancelled when its last caller gives up', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => resolver.resolve('a.test', signal));
    first.abort();
    expect(await calls[0]).toEqual({ kind: 'cancelled' });
    expect(inFlight.has('a.test')).toBe(true);
    second.abort();
    expect(await calls[1]).toEqual({ kind: 'cancelled' });
    await clock.advance(0);
    expect(inFlight.has('a.test')).toBe(false);
    const later = resolver.resolve('a.test', never);
    answer('a.test');
    expect(await later).toEqual(resolvedTo('192.0.2.1'));
  });

  test('I10 a lookup that waits for a slot ends with the signal of its caller, and is not sent later', async () => {
    const blocking = Array.from({ length: MAX_PER_DOMAIN }, (_, index) =>
      resolver.resolve(`host-${index}.silent.example`, never),
    );
    const controller = new AbortController();
    const waiting = resolver.resolve('waiting.silent.example', controller.signal);
    controller.abort();
    expect(await waiting).toEqual({ kind: 'queued' });
    answer('host-0.silent.example');
    await blocking[0];
    await clock.advance(0);
    expect(sent).not.toContain('waiting.silent.example');
  });
});
