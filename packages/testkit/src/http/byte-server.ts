import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { LoopbackServer } from './loopback-server.ts';
import { writeAnswer } from './write-answer.ts';
import type { RawAnswer } from './write-answer.ts';

/** A connection of a `ByteServer`. */
export interface ByteConnection {
  readonly socket: Socket;
  /** Writes the bytes of an answer. */
  readonly send: (answer: RawAnswer) => void;
}

/** A server on loopback that receives text and answers with raw bytes. */
export abstract class ByteServer extends LoopbackServer {
  #events = 0;

  constructor() {
    const server = createServer({ noDelay: true });
    super(server);
    server.on('connection', (socket) => {
      const send = (answer: RawAnswer): void => {
        writeAnswer(socket, answer, () => (this.#events += 1));
      };
      const receive = this.serve({ socket, send });
      socket.setEncoding('latin1').on('data', (text: string) => {
        this.#events += 1;
        receive(text);
      });
    });
  }

  /** The number of reads and writes so far. */
  get events(): number {
    return this.#events;
  }

  /** Returns the function that receives the text of a new connection, piece by piece. */
  protected abstract serve(connection: ByteConnection): (text: string) => void;
}
