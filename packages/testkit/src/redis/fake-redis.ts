import { ByteServer } from '../http/index.ts';
import type { ByteConnection, RawAnswer } from '../http/index.ts';

/** A command: its name in capitals and its arguments, and the password with which the connection authenticated. */
export interface FakeRedisCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly password: string;
}

/**
 * A fake Redis that replies with arbitrary bytes. It stores nothing: use `RedisNode` for the behaviour of Redis.
 */
export class FakeRedis extends ByteServer {
  /** Set to reply. */
  reply: (command: FakeRedisCommand) => RawAnswer = () => ({ pieces: [], then: 'end' });

  protected serve({ send }: ByteConnection): (text: string) => void {
    let received = '';
    let password = '';
    return (text) => {
      received += text;
      for (let parsed = parseCommand(received); parsed !== undefined; parsed = parseCommand(received)) {
        received = received.slice(parsed.length);
        const [name = '', ...args] = parsed.words;
        // `HELLO 3 AUTH user password`, `AUTH user password`, or `AUTH password`
        if (/^(hello|auth)$/i.test(name)) password = args.at(-1) ?? '';
        send(this.reply({ name: name.toUpperCase(), args, password }));
      }
    };
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
