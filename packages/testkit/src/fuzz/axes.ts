/** The axes of a fuzzer: the names of the values of each axis. The first value of an axis is the usual one. */
export type Axes = Readonly<Record<string, readonly (string | number)[]>>;

/** One value of each axis. */
export type Choice<A extends Axes> = { readonly [Axis in keyof A]: A[Axis][number] };

/** Declares axes; the type of the result lists the values. */
export function defineAxes<const A extends Axes>(axes: A): A {
  return axes;
}

/** Returns the choice with the value at the given index of each axis. */
export function toChoice<A extends Axes>(axes: A, indexes: readonly number[]): Choice<A> {
  const chosen = Object.entries(axes).map(([axis, values], at) => [axis, values[indexes[at] ?? 0]]);
  return Object.fromEntries(chosen) as Choice<A>;
}
