import { Command } from 'ioredis';
import { z } from 'zod';

/** https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model */
const LAST_SLOT = 16_383;
const MAX_PORT = 65_535;

const slot = z.number().int().min(0).max(LAST_SLOT);
/** Host, port, identifier, and in newer versions more. A node that does not know its own host returns null. */
const node = z.tuple([z.string().nullable(), z.number().int().min(1).max(MAX_PORT)], z.unknown());
/**
 * The reply to `CLUSTER SLOTS`: https://redis.io/docs/latest/commands/cluster-slots/.
 *
 * @example [[0, 5460, ['10.0.0.1', 6379, '09dbe9720cda62f7865eabc5fd8857c5d2678366', []]]]
 */
const slots = z.array(z.tuple([slot, slot], node)).max(LAST_SLOT + 1);
/** The reply to `INFO` and `CLUSTER INFO`: lines of `name:value`. */
const info = z.string();

const portText = z.string().refine((text) => isPort(Number(text)));
/** The reply to `SENTINEL get-master-addr-by-name`: host and port, or null for an unknown name. */
const primary = z.tuple([z.string(), portText]).nullable();
/** The reply to `SENTINEL sentinels`: the fields of each Sentinel, with `ip` and `port`. */
const sentinels = z.array(
  z.array(z.unknown()).refine((fields) => portText.safeParse(readField(fields, 'port')).success),
);

/** The commands that ioredis sends itself, and the replies that it can process. */
const REPLIES: Readonly<Record<string, z.ZodType>> = {
  info,
  cluster: z.union([info, slots]),
  sentinel: z.union([primary, sentinels]),
};

/** Whether a connection to the port can be opened. The library leaks a socket for each attempt with another port. */
export function isPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= MAX_PORT;
}

function readField(fields: readonly unknown[], name: string): unknown {
  const at = fields.indexOf(name);
  return at === -1 ? undefined : fields[at + 1];
}

/**
 * Makes ioredis treat malformed replies to the commands that it sends itself as errors. It processes these replies in callbacks without
 * checks: a null ends the process, and a range of slots up to 10^15 never ends. Call it before the first connection; a second call changes
 * nothing. The library has only one table for the transformers of replies.
 */
export function rejectMalformedReplies(): void {
  for (const [command, schema] of Object.entries(REPLIES)) {
    Command.setReplyTransformer(command, (reply: unknown) => {
      if (schema.safeParse(reply).success) return reply;
      throw new Error(`MALFORMED reply to ${command.toUpperCase()}`);
    });
  }
}
