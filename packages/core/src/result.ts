export interface Ok<T> {
  readonly kind: 'ok';
  readonly value: T;
}

export interface Failed<F> {
  readonly kind: 'failed';
  readonly failure: F;
}

/** A value, or why there is none. For exactly these two outcomes; an outcome with a meaning of its own gets its own union. */
export type Result<T, F> = Ok<T> | Failed<F>;

export function ok<T>(value: T): Ok<T> {
  return { kind: 'ok', value };
}

export function failed<F>(failure: F): Failed<F> {
  return { kind: 'failed', failure };
}
