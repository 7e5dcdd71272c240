import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { Redis } from 'ioredis';
import { NO_LOGGER } from '../../logger.ts';
import { CONNECT_TIMEOUT_MS, ResilientClient } from './resilient-client.ts';
import type { RedisConnection, Reply } from './resilient-client.ts';

/** A connection with the behavior that the test sets; its client is never connected. */
class ScriptedConnection implements RedisConnection {
  readonly client = new Redis({ lazyConnect: true });
  readonly lastErrorCode = 'ECONNREFUSED';
  readonly calls: string[] = [];
  readonly ended: Promise<void>;
  end: () => void = () => undefined;
  readonly #open: () => Promise<void>;

  constructor(open: () => Promise<void>) {
    this.#open = open;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  open(): Promise<void> {
    this.calls.push('open');
    return this.#open();
  }

  ping(): Promise<void> {
    this.calls.push('ping');
    return pings();
  }

  close(): void {
    this.calls.push('close');
    this.end();
  }

  retire(): void {
    this.calls.push('retire');
    this.end();
  }
}

const UNAVAILABLE = { kind: 'unavailable' };
const never = (): Promise<never> => new Promise(() => undefined);
const refuse = (): Promise<never> => Promise.reject(new Error('refused'));
const works = (): Promise<void> => Promise.resolve();

let clock: FakeClock;
let opens: () => Promise<void>;
let pings: () => Promise<void>;
let connections: ScriptedConnection[];
let logLines: string[];
let client: ResilientClient;
/** The observed commands. */
let observed: string[];

beforeEach(() => {
  clock = new FakeClock();
  opens = works;
  pings = works;
  connections = [];
  logLines = [];
  observed = [];
  const connect = (): RedisConnection => {
    const connection = new ScriptedConnection(opens);
    connections.push(connection);
    return connection;
  };
  const note = (fields: object, message: string): void => void logLines.push(`${message} ${JSON.stringify(fields)}`);
  client = new ResilientClient({
    connect,
    clock,
    logger: { ...NO_LOGGER, warn: note, info: note },
    commandTimeoutMs: 50,
    onCommand: (outcome, tookMs) => void observed.push(`${outcome} ${tookMs}`),
  });
});

const answer = (value: string): Promise<Reply<string>> => client.run(() => Promise.resolve(value));

/** Runs a command without a reply, and returns how long its caller waited. */
async function timedOutCommand(): Promise<number> {
  const start = clock.monotonic();
  const reply = client.run(never);
  await clock.advance(50);
  expect(await reply).toEqual(UNAVAILABLE);
  return clock.monotonic() - start;
}

function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

describe('the client of Redis', () => {
  test('K7 commands share one connection and return the replies', async () => {
    expect(await Promise.all([answer('a'), answer('b'), answer('c')])).toEqual(
      ['a', 'b', 'c'].map((value) => ({ kind: 'reply', value })),
    );
    await answer('d');
    expect(connections.map(({ calls }) => calls)).toEqual([['open']]);
    expect(clock.sleeping).toEqual([50]);
  });

  test('K7 a command waits 50 ms at most, and after three timeouts no further one is sent', async () => {
    await answer('a');
    expect([await timedOutCommand(), await timedOutCommand(), await timedOutCommand()]).toEqual([50, 50, 50]);
    const sent: string[] = [];
    const replies = Array.from({ length: 1_000 }, () => client.run(() => Promise.resolve(void sent.push('asked'))));
    expect(new Set((await Promise.all(replies)).map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    expect(sent).toEqual([]);
    expect(connections.map(({ calls }) => calls)).toEqual([['open', 'close']]);
  });

  test('K7 three timeouts within a second open the breaker, also with replies in between; three further apart do not', async () => {
    for (let times = 0; times < 2; times += 1) {
      await answer('a');
      await timedOutCommand();
    }
    await clock.advance(1_000);
    for (let times = 0; times < 3; times += 1) {
      expect(await answer('a')).toMatchObject({ kind: 'reply' });
      await timedOutCommand();
    }
    expect(await answer('a')).toEqual(UNAVAILABLE);
  });

  test('K7 each failed probe doubles the time until the next one, up to 5 s; a successful one resets it', async () => {
    opens = refuse;
    const untilProbe = async (): Promise<number> => {
      const [start, before] = [clock.monotonic(), connections.length];
      while (connections.length === before) {
        await clock.advance(100);
        await answer('a');
      }
      return clock.monotonic() - start;
    };
    await answer('a');
    const pauses: number[] = [];
    for (let probes = 0; probes < 6; probes += 1) pauses.push(await untilProbe());
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    opens = works;
    await untilProbe();
    await clock.advance(0);
    expect(await answer('a')).toMatchObject({ kind: 'reply' });
    connections.at(-1)?.end();
    await clock.advance(0);
    opens = refuse;
    await answer('a');
    expect(await untilProbe()).toBe(500);
  });

  test('K7 when connecting fails, no command waits, not even the first', async () => {
    opens = refuse;
    const replies = await Promise.all([answer('a'), answer('b')]);
    expect(replies).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(await answer('c')).toEqual(UNAVAILABLE);
    expect(connections.map(({ calls }) => calls)).toEqual([['open', 'close']]);
    expect(logLines).toEqual(['redis unavailable, continuing without it {"reason":"ECONNREFUSED"}']);
  });

  test('K7 a host that accepts a connection and never replies costs 50 ms per command until the connect timeout', async () => {
    opens = never;
    const reply = answer('a');
    await clock.advance(50);
    expect(await reply).toEqual(UNAVAILABLE);
    await clock.advance(CONNECT_TIMEOUT_MS);
    expect(await answer('b')).toEqual(UNAVAILABLE);
    expect(connections.map(({ calls }) => calls)).toEqual([['open', 'close']]);
  });

  test('K7 probes in the background, one at a time and on a new connection, until Redis is available again', async () => {
    opens = refuse;
    await answer('a');
    await clock.advance(500);
    opens = works;
    pings = refuse;
    expect(await Promise.all([answer('b'), answer('c')])).toEqual([UNAVAILABLE, UNAVAILABLE]);
    await clock.advance(0);
    expect(connections.map(({ calls }) => calls)).toEqual([
      ['open', 'close'],
      ['open', 'ping', 'close'],
    ]);
    pings = works;
    await clock.advance(999);
    expect(await answer('d')).toEqual(UNAVAILABLE);
    expect(connections).toHaveLength(2);
    await clock.advance(1);
    expect(await answer('e')).toEqual(UNAVAILABLE);
    await clock.advance(0);
    expect(await answer('f')).toEqual({ kind: 'reply', value: 'f' });
    expect(connections).toHaveLength(3);
    expect(logLines).toEqual([
      'redis unavailable, continuing without it {"reason":"ECONNREFUSED"}',
      'redis available again {}',
    ]);
  });

  test('K7 a connection that ends is replaced by the next command', async () => {
    await answer('a');
    connections[0]?.end();
    await clock.advance(0);
    expect(await answer('b')).toEqual({ kind: 'reply', value: 'b' });
    expect(connections).toHaveLength(2);
  });

  test('K7 measures the commands that were sent, and is down until a probe succeeds', async () => {
    const states = [client.isUp];
    await answer('a');
    await client.run(() => Promise.reject(replyError('OOM command not allowed')));
    for (let times = 0; times < 3; times += 1) await timedOutCommand();
    states.push(client.isUp);
    await answer('b');
    expect(observed).toEqual(['reply 0', 'refused 0', 'unavailable 50', 'unavailable 50', 'unavailable 50']);
    await clock.advance(500);
    await answer('c');
    await clock.advance(0);
    states.push(client.isUp);
    expect(states).toEqual([true, false, true]);
  });

  test('K7 error replies do not open the breaker', async () => {
    for (let times = 0; times < 10; times += 1) {
      expect(await client.run(() => Promise.reject(replyError('OOM command not allowed')))).toEqual({
        kind: 'refused',
      });
    }
    expect(await answer('a')).toEqual({ kind: 'reply', value: 'a' });
    expect(connections.map(({ calls }) => calls)).toEqual([['open']]);
  });

  test('K7 a server that became read-only is reconnected to find the new primary, at most every 5 s', async () => {
    const write = (): Promise<Reply<never>> => client.run(() => Promise.reject(replyError("READONLY You can't write")));
    expect([await write(), await write(), await write()]).toEqual(Array(3).fill({ kind: 'refused' }));
    expect(connections.map(({ calls }) => calls)).toEqual([['open', 'retire'], ['open']]);
    await clock.advance(5_000);
    await write();
    expect(connections.map(({ calls }) => calls)).toEqual([
      ['open', 'retire'],
      ['open', 'retire'],
    ]);
  });

  test('when closed, no command is sent and no connection remains', async () => {
    opens = never;
    const reply = answer('a');
    client.close();
    expect(connections.map(({ calls }) => calls)).toEqual([['open', 'close']]);
    expect(await answer('b')).toEqual(UNAVAILABLE);
    await clock.advance(CONNECT_TIMEOUT_MS);
    expect(await reply).toEqual(UNAVAILABLE);
    expect(connections).toHaveLength(1);
    expect(logLines).toEqual([]);
  });
});
