import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { LoopbackServer, writeAnswer } from '../http/index.ts';
import type { RawAnswer } from '../http/index.ts';

/** A command: its name in capitals and its arguments, and the password with which the connection authenticated. */
export interface FakeRedisCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly password: string;
}

/**
 * A fake Redis that replies with arbitrary bytes. It stores nothing: use `RedisNode` for the behaviour of Redis.
 */
export class FakeRedis extends LoopbackServer {
  /** Set to reply. */
  reply: (command: FakeRedisCommand) => RawAnswer = () => ({ pieces: [], then: 'end' });
  #events = 0;

  constructor() {
    const server = createServer({ noDelay: true });
    super(server);
    server.on('connection', (socket) => {
      this.#serve(socket);
    });
  }

  /** The number of reads and writes so far. */
  get events(): number {
    return this.#events;
  }

  #serve(socket: Socket): void {
    let received = '';
    let password = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#events += 1;
      received += text;
      for (let parsed = parseCommand(received); parsed !== undefined; parsed = parseCommand(received)) {
        received = received.slice(parsed.length);
        const [name = '', ...args] = parsed.words;
        // `HELLO 3 AUTH user password`, `AUTH user password`, or `AUTH password`
        if (/^(hello|auth)$/i.test(name)) password = args.at(-1) ?? '';
        const answer = this.reply({ name: name.toUpperCase(), args, password });
        writeAnswer(socket, answer, () => (this.#events += 1));
      }
    });
  }
}

/** Parses a command: an array of bulk strings (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
function parseCommand(text: string): { readonly words: readonly string[]; readonly length: number } | undefined {
  const [head, count] = /^\*(\d+)\r\n/.exec(text) ?? [];
  if (head === undefined) return undefined;
  const words: string[] = [];
  let at = head.length;
  while (words.length < Number(count)) {
    const [size, length] = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20)) ?? [];
    if (size === undefined) return undefined;
    const end = at + size.length + Number(length);
    if (text.length < end + 2) return undefined;
    words.push(text.slice(at + size.length, end));
    at = end + 2;
  }
  return { words, length: at };
}
