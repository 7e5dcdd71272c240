import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

const HEADERS_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)\r\n/iu;

/** A keep-alive connection with minimal overhead, because the load generator shares the machine with the measured program. */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #request: Buffer;
  #received: Buffer = Buffer.alloc(0);
  #answered: (body: Buffer) => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;

  private constructor(socket: TLSSocket, request: Buffer) {
    this.#socket = socket;
    this.#request = request;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('error', (error: Error) => {
      this.#failed(error);
    });
    socket.on('close', () => {
      this.#failed(new Error('the connection was closed'));
    });
  }

  static async open(port: number, ca: string, body: Buffer): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1.3' });
    await once(socket, 'secureConnect');
    const head = `POST /mutate?timeout=2s HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    return new Connection(socket, Buffer.concat([Buffer.from(head), body]));
  }

  /** Sends the request and resolves with the response body. Callers must send one request at a time. */
  send(): Promise<Buffer> {
    // The events of a closed connection will not be emitted again.
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection was closed before'));
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#failed = () => undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(HEADERS_END);
    if (end < 0) return;
    const length = Number(CONTENT_LENGTH.exec(this.#received.toString('latin1', 0, end + 2))?.[1] ?? Number.NaN);
    const start = end + HEADERS_END.length;
    if (this.#received.length < start + length) return;
    const body = this.#received.subarray(start, start + length);
    this.#received = Buffer.alloc(0);
    this.#answered(body);
  }
}
