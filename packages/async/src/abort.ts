/** How waiting for shared work ended. The work continues for its other callers. */
export type Waited<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'timed-out' }
  /** The caller's signal aborted first. */
  | { readonly kind: 'aborted' };

/**
 * Calls `listener` once when the signal aborts, or immediately if the signal has aborted already. Returns a function
 * that removes the listener.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => {
    signal.removeEventListener('abort', listener);
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, () => {
      resolve();
    });
  });
}

/**
 * Waits for shared work until the signal aborts. If the work has ended already, its result is returned, even if the
 * signal has aborted.
 * @throws what the work throws before the signal aborts
 */
export function waitUnlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<Exclude<Waited<T>, { readonly kind: 'timed-out' }>> {
  return new Promise((resolve, reject) => {
    const done = (value: T): void => {
      stopListening();
      resolve({ kind: 'done', value });
    };
    const fail = (error: Error): void => {
      stopListening();
      reject(error);
    };
    work.then(done, fail);
    const stopListening = onAbort(signal, () => {
      queueMicrotask(() => {
        resolve({ kind: 'aborted' });
      });
    });
  });
}
