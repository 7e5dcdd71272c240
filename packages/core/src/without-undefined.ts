type UndefinedKeys<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** `T` with each field that can be undefined as an optional one (`exactOptionalPropertyTypes` distinguishes the two). */
export type WithoutUndefined<T> = {
  readonly [K in keyof T as K extends UndefinedKeys<T> ? never : K]: T[K];
} & {
  readonly [K in UndefinedKeys<T>]?: Exclude<T[K], undefined>;
};

/**
 * Returns the object without its undefined fields, in place of a conditional spread for each. Not for paths that run for
 * each pod: a spread keeps the object's shape known to the compiler and is several times as fast.
 */
export function withoutUndefined<const T extends object>(fields: T): WithoutUndefined<T> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) kept[key] = value;
  }
  return kept as WithoutUndefined<T>;
}
