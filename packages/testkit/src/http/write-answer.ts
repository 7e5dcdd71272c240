import type { Socket } from 'node:net';
import { systemClock, yieldToEventLoop } from '@archpolicy/async';

/** The bytes sent for one request. */
export interface RawAnswer {
  /** Written one by one, with a yield to the event loop between them. */
  readonly pieces: readonly Uint8Array[];
  /** A delay between the pieces instead of the yield, milliseconds. */
  readonly gapMs?: number;
  /** What happens to the connection after the last piece. */
  readonly then: 'keep' | 'end' | 'reset';
}

/** Writes the bytes of an answer. Calls `onWrite` at each write. */
export function writeAnswer(
  socket: Socket,
  { pieces: [first, ...pieces], gapMs, then }: RawAnswer,
  onWrite: () => void,
): void {
  onWrite();
  if (socket.destroyed) return;
  if (first !== undefined) socket.write(first);
  if (pieces.length > 0) {
    const wait = gapMs === undefined ? yieldToEventLoop() : systemClock().sleep(gapMs);
    void wait.then(() => {
      writeAnswer(socket, { pieces, then, ...(gapMs === undefined ? {} : { gapMs }) }, onWrite);
    });
  } else if (then === 'end') socket.end();
  else if (then === 'reset') socket.resetAndDestroy();
}
