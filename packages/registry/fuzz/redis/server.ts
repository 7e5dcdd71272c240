import { FakeRedis } from '@archpolicy/testkit';
import type { RawAnswer, FakeRedisCommand } from '@archpolicy/testkit';
import type { FuzzCase } from '@archpolicy/testkit/fuzz';
import type { RedisAxes, RedisChoice } from './axes.ts';
import { buildReply, paceReply } from './replies.ts';

export type RedisCase = FuzzCase<RedisAxes>;

const SLOTS = 16_383;

/** One fake for the Redis, Sentinels and Clusters of all cases. The password of a connection names the case. */
export class FuzzedRedis {
  readonly #server = new FakeRedis();
  #cases: ReadonlyMap<number, RedisCase> = new Map();

  async start(): Promise<void> {
    this.#server.reply = (command) => this.#reply(command);
    await this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  serve(cases: readonly RedisCase[]): void {
    this.#cases = new Map(cases.map((one) => [one.number, one]));
  }

  get connections(): number {
    return this.#server.connections;
  }

  get events(): number {
    return this.#server.events;
  }

  /** The URL of the Redis of a case. */
  url({ number, choice: { form } }: RedisCase): string {
    const scheme = form === 'node' ? 'redis' : `redis+${form}`;
    const path = form === 'sentinel' ? '/primary' : form === 'node' ? '/3' : '';
    return `${scheme}://case:case-${number}@127.0.0.1:${this.#server.port}${path}`;
  }

  #reply(command: FakeRedisCommand): RawAnswer {
    const one = this.#cases.get(Number(command.password.replace('case-', '')));
    const right = rightReply(command, this.#server.port);
    if (one === undefined || !isVaried(one.choice, command)) return { pieces: [Buffer.from(right)], then: 'keep' };
    const reply = buildReply(one.choice.reply, right, this.#server.port, one.random);
    return paceReply(one.choice, reply);
  }
}

const DATA: ReadonlySet<string> = new Set(['GETRANGE', 'GET', 'MGET', 'SET', 'EVAL', 'EVALSHA', 'DEL', 'PEXPIRE']);

function isVaried({ command }: RedisChoice, { name }: FakeRedisCommand): boolean {
  if (command === 'data') return DATA.has(name);
  if (command === 'HELLO') return name === 'HELLO' || name === 'AUTH';
  return command === 'each' || command === name;
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

function rightReply({ name, args }: FakeRedisCommand, port: number): string {
  switch (name) {
    case 'HELLO':
      return `%2\r\n${bulk('server')}${bulk('redis')}${bulk('proto')}:3\r\n`;
    case 'INFO':
      return bulk('loading:0\r\nrole:master');
    case 'SENTINEL':
      return /get-master/i.test(args[0] ?? '') ? `*2\r\n${bulk('127.0.0.1')}${bulk(String(port))}` : '*0\r\n';
    case 'CLUSTER':
      if (/slots/i.test(args[0] ?? ''))
        return `*1\r\n*3\r\n:0\r\n:${SLOTS}\r\n*3\r\n${bulk('127.0.0.1')}:${port}\r\n${bulk('id')}`;
      return bulk('cluster_state:ok');
    case 'GETRANGE':
      return bulk('2.value');
    case 'EVAL':
      return '*2\r\n:0\r\n:0\r\n';
    case 'PING':
      return '+PONG\r\n';
    default:
      return '+OK\r\n';
  }
}
