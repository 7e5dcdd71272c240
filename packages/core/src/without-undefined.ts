type UndefinedKeys<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/**
 * The type `T`, in which each field that may be undefined is optional. With `exactOptionalPropertyTypes`, an optional
 * field is not the same as a field that may be undefined.
 */
export type WithoutUndefined<T> = {
  readonly [K in keyof T as K extends UndefinedKeys<T> ? never : K]: T[K];
} & {
  readonly [K in UndefinedKeys<T>]?: Exclude<T[K], undefined>;
};

/**
 * Returns the object without its undefined fields. In code that runs for each pod, use conditional spreads instead, because they keep
 * the object's shape and are several times as fast.
 */
export function withoutUndefined<const T extends object>(fields: T): WithoutUndefined<T> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) kept[key] = value;
  }
  return kept as WithoutUndefined<T>;
}
