import type { ServerResponse } from 'node:http';
import type { Json } from '@archpolicy/core';
import type { Change } from './collection.ts';

/** A watch that a client holds open, and everything that can go wrong with it. */
export class OpenWatch {
  readonly path: string;
  /** The version that the client asked to watch from. */
  readonly from: number;
  readonly #response: ServerResponse;
  #silent = false;

  constructor(path: string, from: number, response: ServerResponse) {
    this.path = path;
    this.from = from;
    this.#response = response;
  }

  /** Tells a change, unless the watch was silenced. */
  sendChange({ type, object }: Pick<Change, 'type' | 'object'>): void {
    this.send({ type, object });
  }

  /** Any line. */
  send(line: Json): void {
    this.sendRaw(`${JSON.stringify(line)}\n`);
  }

  /** Any bytes. */
  sendRaw(bytes: string | Uint8Array): void {
    if (!this.#silent) this.#response.write(bytes);
  }

  /** From now on nothing is sent, and the connection stays: the other side of a half-open connection. */
  silence(): void {
    this.#silent = true;
  }

  /** Ends the stream as the server does when its time is over. */
  end(): void {
    this.#silent = true;
    this.#response.end();
  }

  /** Ends the connection by RST; what was begun stays unfinished. */
  reset(): void {
    this.#silent = true;
    this.#response.socket?.resetAndDestroy();
  }

  /** Calls the listener once the connection is gone, whoever ended it. */
  onClose(listener: () => void): void {
    this.#response.on('close', listener);
  }

  /** Half of a line, then RST. The half has left this process before the connection goes. */
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
