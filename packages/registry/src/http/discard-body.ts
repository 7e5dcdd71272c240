/** The part of undici's response body that discarding needs. */
export interface DiscardableBody {
  dump(options: { readonly limit: number; readonly signal: AbortSignal }): Promise<unknown>;
}

/** A discarded body is read up to this size, so that its connection can be reused. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/**
 * Discards a body: reads it to its end, or closes its connection when it is longer than 64 KiB or the
 * request's signal aborts. Returns immediately, so that the outcome of the request does not wait for it. Errors of the body
 * are ignored.
 *
 * Discard bodies only by this function: `body.destroy()` makes undici emit an 'error' event, and an 'error' event
 * without a listener ends the process.
 *
 * @param signal the signal of the request; it must abort eventually, even if the request has ended before
 */
export function discardBody(body: DiscardableBody, signal: AbortSignal): void {
  body.dump({ limit: MAX_DISCARDED_BYTES, signal }).catch(() => undefined);
}
