import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { systemClock, yieldToEventLoop } from '@archpolicy/async';

/** The bytes sent for one request. */
export interface RawAnswer {
  /** The parts of the response. They are written one by one, with a yield to the event loop between them. */
  readonly pieces: readonly Uint8Array[];
  /** A delay between the pieces instead of the yield, milliseconds. */
  readonly gapMs?: number;
  /** What happens to the connection after the last piece. */
  readonly then: 'keep' | 'end' | 'reset';
}

/** A request without a body. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** The value of the `Host` header. */
  readonly host: string;
  /** Whether the request has an `Authorization` header. */
  readonly isAuthorized: boolean;
}

/** An HTTP server on loopback that sends raw bytes, because Node cannot send every framing and header. */
export class RawServer {
  /** Set to respond. */
  answer: (request: RawRequest) => RawAnswer = () => ({ pieces: [], then: 'end' });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #events = 0;

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
    return `127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** The number of reads and writes so far. */
  get events(): number {
    return this.#events;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#events += 1;
      received += text;
      const requests = received.split('\r\n\r\n');
      received = requests.pop() ?? '';
      for (const head of requests) {
        const [method = '', path = ''] = head.split(' ');
        const [, host = ''] = /^host: *(\S*)/im.exec(head) ?? [];
        this.#write(socket, this.answer({ method, path, host, isAuthorized: /^authorization:/im.test(head) }));
      }
    });
  }

  #write(socket: Socket, { pieces: [first, ...pieces], gapMs, then }: RawAnswer): void {
    this.#events += 1;
    if (first !== undefined && !socket.destroyed) socket.write(first);
    const rest = gapMs === undefined ? { pieces, then } : { pieces, gapMs, then };
    if (pieces.length > 0 && !socket.destroyed) {
      const wait = gapMs === undefined ? yieldToEventLoop() : systemClock().sleep(gapMs);
      void wait.then(() => {
        this.#write(socket, rest);
      });
    } else if (then === 'end') socket.end();
    else if (then === 'reset') socket.resetAndDestroy();
  }
}
