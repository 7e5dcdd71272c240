import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock, FakeRedis } from '@archpolicy/testkit';
import { NO_LOGGER } from '../../logger.ts';
import { NO_METRICS } from '../../metrics.ts';
import { RedisStore } from './store.ts';
import { parseRedisUrl } from './target.ts';

let redis: FakeRedis;

beforeEach(async () => {
  redis = await new FakeRedis().start();
});

afterEach(() => redis.stop());

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const address = `*2\r\n${bulk('127.0.0.1')}:1\r\n`;

/** The replies of a Redis that works. */
function rightReply(command: string, subcommand: string): string {
  if (command === 'SENTINEL')
    return subcommand === 'sentinels' ? '*0\r\n' : `*2\r\n${bulk('127.0.0.1')}${bulk(String(redis.port))}`;
  if (command !== 'CLUSTER') return '+OK\r\n';
  return subcommand === 'SLOTS'
    ? `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${bulk('127.0.0.1')}:${redis.port}\r\n`
    : bulk('cluster_state:ok');
}

/** Reads a key from a Redis that replies wrongly to one command. */
async function read(form: string, command: string, reply: string): Promise<readonly (Buffer | undefined)[]> {
  const answered = new Promise<void>((resolve) => {
    redis.reply = ({ name, args: [subcommand = ''] }) => {
      if (name === command) setImmediate(resolve);
      return { pieces: [Buffer.from(name === command ? reply : rightReply(name, subcommand))], then: 'keep' };
    };
  });
  const clock = new FakeClock();
  const scheme = form === 'node' ? 'redis' : `redis+${form}`;
  const url = `${scheme}://127.0.0.1:${redis.port}${form === 'sentinel' ? '/primary' : ''}`;
  const store = new RedisStore(parseRedisUrl(url), { clock, metrics: NO_METRICS, logger: NO_LOGGER });
  const value = store.get(['key']);
  await answered;
  await new Promise(setImmediate);
  await clock.advance(60_000);
  store.close();
  return value;
}

describe('a malformed reply to a command that ioredis sends itself', () => {
  // ioredis processes these replies in callbacks. An error in one would be uncaught, and would fail the test.
  test.each<[form: string, command: string, reply: string]>([
    ['node', 'INFO', '_\r\n'],
    ['node', 'INFO', '*-1\r\n'],
    ['node', 'INFO', ':1\r\n'],
    ['sentinel', 'INFO', '_\r\n'],
    ['sentinel', 'INFO', '$-1\r\n'],
    ['sentinel', 'INFO', '*0\r\n'],
    ['sentinel', 'SENTINEL', '_\r\n'],
    ['sentinel', 'SENTINEL', ':1\r\n'],
    ['sentinel', 'SENTINEL', `*2\r\n${bulk('127.0.0.1')}${bulk('99999')}`],
    ['cluster', 'CLUSTER', '_\r\n'],
    ['cluster', 'CLUSTER', '*-1\r\n'],
    ['cluster', 'CLUSTER', ':1\r\n'],
    ['cluster', 'CLUSTER', '*1\r\n_\r\n'],
    ['cluster', 'CLUSTER', '*1\r\n:1\r\n'],
    ['cluster', 'CLUSTER', '*1\r\n*3\r\n:0\r\n:16383\r\n_\r\n'],
    ['cluster', 'CLUSTER', `*1\r\n*3\r\n:0\r\n:16384\r\n${address}`],
    ['cluster', 'CLUSTER', `*1\r\n*3\r\n:-1\r\n:1\r\n${address}`],
    ['cluster', 'CLUSTER', `*1\r\n*3\r\n:0\r\n:999999999999999\r\n${address}`],
    ['cluster', 'CLUSTER', `*1\r\n*3\r\n${bulk('0')}:1\r\n${address}`],
    ['cluster', 'CLUSTER', `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${bulk('a')}:99999\r\n`],
  ])('K7 P2 %s: to %s the reply %j is an outage of Redis', async (form, command, reply) => {
    expect(await read(form, command, reply)).toEqual([undefined]);
  });
});

describe('a reply to a read', () => {
  test.each<[form: string, reply: string]>([
    ['node', ':1\r\n'],
    ['node', '*1\r\n:1\r\n'],
    ['node', '_\r\n'],
    ['cluster', '~1\r\n:1\r\n'],
    ['cluster', '-MOVED\r\n'],
    // The library sends ASKING to the other node, which cannot be reached.
    ['cluster', '-ASK 1 127.0.0.1:1\r\n'],
    ['cluster', '-ASK 1 :\r\n'],
  ])('K7 P2 %s: the reply %j is no value', async (form, reply) => {
    expect(await read(form, 'GETRANGE', reply)).toEqual([undefined]);
  });
});
