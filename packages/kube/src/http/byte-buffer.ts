import { KubeError } from '../errors.ts';

/** Collects at most `maxBytes` bytes. `take` returns and removes the collected bytes. */
export class ByteBuffer {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends bytes without copying them, so the caller must not change them before `take`. Throws KubeError `TooLarge`. */
  append(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes)
      throw new KubeError('TooLarge', 'a part of the response is larger than its limit');
    this.#parts.push(part);
  }

  /** Returns the collected bytes and clears the buffer. */
  take(): Uint8Array {
    const [first] = this.#parts;
    const whole = first !== undefined && this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return whole;
  }
}
