import { KubeError } from '../errors.ts';

/** Bytes that are put together until they are taken, at most `maxBytes` of them. */
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

  /** Throws KubeError `TooLarge`. The bytes are not copied: they must not change until they are taken. */
  append(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) throw new KubeError('TooLarge', 'a part of the answer is larger than its bound');
    this.#parts.push(part);
  }

  /** All bytes that were added since the last time. */
  take(): Uint8Array {
    const [first] = this.#parts;
    const whole = first !== undefined && this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return whole;
  }
}
