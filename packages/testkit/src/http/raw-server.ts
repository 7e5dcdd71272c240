import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** The bytes sent for one request. */
export interface RawAnswer {
  /** The parts of the response. They are written one by one, with a yield to the event loop between them. */
  readonly pieces: readonly Uint8Array[];
  /** What happens to the connection after the last piece. */
  readonly then: 'keep' | 'end' | 'reset';
}

/** A request without a body. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
}

/** An HTTP server on loopback that sends raw bytes, because Node cannot send every framing and header. */
export class RawServer {
  /** Set to respond. */
  answer: (request: RawRequest) => RawAnswer = () => ({ pieces: [], then: 'end' });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#serve(socket);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Stops at once and closes open connections. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** `127.0.0.1:port`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      const requests = received.split('\r\n\r\n');
      received = requests.pop() ?? '';
      for (const head of requests) {
        const [method = '', path = ''] = head.split(' ');
        this.#write(socket, this.answer({ method, path }));
      }
    });
  }

  #write(socket: Socket, { pieces: [first, ...pieces], then }: RawAnswer): void {
    if (first !== undefined) socket.write(first);
    if (pieces.length > 0) {
      setImmediate(() => {
        this.#write(socket, { pieces, then });
      });
    } else if (then === 'end') socket.end();
    else if (then === 'reset') socket.resetAndDestroy();
  }
}
