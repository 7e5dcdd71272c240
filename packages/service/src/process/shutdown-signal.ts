/** The part of `process` that emits signals. */
export interface SignalSource {
  on(event: 'SIGTERM' | 'SIGINT', listener: (name: 'SIGTERM' | 'SIGINT') => void): unknown;
  off(event: 'SIGTERM' | 'SIGINT', listener: (name: 'SIGTERM' | 'SIGINT') => void): unknown;
}

/** The exit status after each signal: 128 plus the signal's number, as in shells. */
const STATUS = { SIGTERM: 143, SIGINT: 130 } as const;

export interface Shutdown {
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  dispose(): void;
}

/** Aborts at the first SIGTERM or SIGINT; a second one calls `endNow` with the exit status, without waiting. */
export function listenForShutdown(source: SignalSource, endNow: (status: number) => void): Shutdown {
  const controller = new AbortController();
  const listener = (name: 'SIGTERM' | 'SIGINT') => {
    if (controller.signal.aborted) endNow(STATUS[name]);
    else controller.abort(new DOMException(`${name} received`, 'AbortError'));
  };
  source.on('SIGTERM', listener);
  source.on('SIGINT', listener);
  return {
    signal: controller.signal,
    dispose: () => {
      source.off('SIGTERM', listener);
      source.off('SIGINT', listener);
    },
  };
}
