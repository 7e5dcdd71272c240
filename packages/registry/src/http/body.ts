/** Reads a stream of chunks up to a limit; undefined when there is more. The rest is not read: the connection ends. */
export async function readUpTo(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.byteLength;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}

/** The part of undici's response body that is used to discard it. */
export interface DiscardableBody {
  dump(options: { readonly limit: number; readonly signal: AbortSignal }): Promise<unknown>;
}

/** A discarded body is read this far so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/**
 * Discards a body that is not needed: reads it to its end, or closes its connection when it is longer than 64 KiB or the
 * request's signal aborts. Returns at once: an outcome that is known does not wait for such a body, and how it ends does
 * not matter.
 *
 * This is the only way to discard a body. `body.destroy()` makes undici emit an 'error' event, and an 'error' event
 * without a listener ends the process.
 *
 * @param signal the signal of the request; it must abort some time, whether the request has ended or not
 */
export function discardBody(body: DiscardableBody, signal: AbortSignal): void {
  body.dump({ limit: MAX_DISCARDED_BYTES, signal }).catch(() => undefined);
}
