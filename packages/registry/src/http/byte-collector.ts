/** The first size of the memory of a body. */
const FIRST_BYTES = 4 * 1024;

/**
 * Joins the chunks of a body. Copies them, because a chunk of one byte may keep a network buffer of 64 KiB in memory. The
 * memory doubles when it is full.
 */
export class ByteCollector {
  #buffer: Buffer;
  #length = 0;

  /** @param expectedBytes the length, if it is known */
  constructor(expectedBytes: number = FIRST_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(expectedBytes);
  }

  get length(): number {
    return this.#length;
  }

  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.byteLength;
    if (length > this.#buffer.byteLength) this.growTo(Math.max(length, 2 * this.#buffer.byteLength));
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Makes room for this many bytes at once, so that no smaller memory becomes garbage on the way. */
  growTo(expectedBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(expectedBytes);
    larger.set(this.bytes());
    this.#buffer = larger;
  }

  /** The bytes so far, without a copy. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
