import type { ServerResponse } from 'node:http';
import type { Json } from '@archpolicy/core';
import type { Change } from './collection.ts';

/** A watch that a client has open, with its faults. */
export class OpenWatch {
  readonly path: string;
  /** The resource version that the watch started from. */
  readonly from: number;
  readonly #response: ServerResponse;
  #silent = false;

  constructor(path: string, from: number, response: ServerResponse) {
    this.path = path;
    this.from = from;
    this.#response = response;
  }

  /** Sends a change, unless the watch is silenced. */
  sendChange({ type, object }: Pick<Change, 'type' | 'object'>): void {
    this.send({ type, object });
  }

  /** Sends any JSON as a line. */
  send(line: Json): void {
    this.sendRaw(`${JSON.stringify(line)}\n`);
  }

  /** Sends any bytes. */
  sendRaw(bytes: string | Uint8Array): void {
    if (!this.#silent) this.#response.write(bytes);
  }

  /** Sends nothing from now on but keeps the connection open, to simulate a half-open connection. */
  silence(): void {
    this.#silent = true;
  }

  /** Ends the stream, as the server does after `timeoutSeconds`. */
  end(): void {
    this.#silent = true;
    this.#response.end();
  }

  /** Closes the connection with RST. */
  reset(): void {
    this.#silent = true;
    this.#response.socket?.resetAndDestroy();
  }

  /** Calls the listener once either side has closed the connection. */
  onClose(listener: () => void): void {
    this.#response.on('close', listener);
  }

  /** Sends half of a line, flushes it, then closes the connection with RST. */
  async resetMidLine(line: Json): Promise<void> {
    const text = JSON.stringify(line);
    const half = text.slice(0, Math.floor(text.length / 2));
    await new Promise<void>((resolve) => {
      const done = (): void => {
        resolve();
      };
      if (this.#silent || this.#response.closed) done();
      else this.#response.once('close', done).write(half, done);
    });
    this.reset();
  }
}
