export interface Ok<T> {
  readonly kind: 'ok';
  readonly value: T;
}

export interface Failed<F> {
  readonly kind: 'failed';
  readonly failure: F;
}

/** A value or a failure. If there are further outcomes, use a separate union. */
export type Result<T, F> = Ok<T> | Failed<F>;

export function ok<T>(value: T): Ok<T> {
  return { kind: 'ok', value };
}

export function failed<F>(failure: F): Failed<F> {
  return { kind: 'failed', failure };
}
