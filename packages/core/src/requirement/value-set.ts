import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';

/**
 * The set of states of one label that a requirement allows. A state is a value, or `undefined` for an absent label. The
 * set consists of a list of values or its complement, integer bounds (Gt, Lt), and whether the label may be absent.
 * This form is used instead of an operator with values, because it can express every intersection of two sets, and an
 * operator cannot.
 */
export interface ValueSet {
  /** False: only `values` are allowed. True: all except `values` are allowed. */
  readonly complement: boolean;
  readonly values: ReadonlySet<string>;
  /** Whether a node without the label is allowed. */
  readonly absent: boolean;
  /** If set, only integers above this bound are allowed. */
  readonly above?: bigint;
  /** If set, only integers below this bound are allowed. */
  readonly below?: bigint;
}

const NO_VALUES: ReadonlySet<string> = new Set();

/** Allows all values and an absent label. */
export const ANY_VALUE: ValueSet = { complement: true, values: NO_VALUES, absent: true };
/** Allows nothing. */
export const NO_VALUE: ValueSet = { complement: false, values: NO_VALUES, absent: false };

const PRESENT: ValueSet = { complement: true, values: NO_VALUES, absent: false };
const ABSENT: ValueSet = { complement: false, values: NO_VALUES, absent: true };

/** Converts a requirement to a set. As in the scheduler, the set is empty if the number of values does not fit the operator. */
export function toValueSet({ operator, values }: NodeSelectorRequirement): ValueSet {
  switch (operator) {
    case 'In':
      return { complement: false, values: new Set(values), absent: false };
    case 'NotIn':
      return values.length === 0 ? NO_VALUE : { complement: true, values: new Set(values), absent: true };
    case 'Exists':
      return values.length === 0 ? PRESENT : NO_VALUE;
    case 'DoesNotExist':
      return values.length === 0 ? ABSENT : NO_VALUE;
    case 'Gt':
    case 'Lt':
      return boundedBy(operator, values);
  }
}

/** Returns whether a value (`undefined`: no label) satisfies the requirement, without building a set. */
export function satisfies(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const { operator, values } = requirement;
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return values.length > 0 && (value === undefined || !values.includes(value));
  if (operator === 'Gt' || operator === 'Lt') return value !== undefined && isBeyond(operator, value, values);
  return has(toValueSet(requirement), value);
}

/**
 * Returns whether a value is above (`Gt`) or below (`Lt`) the bound. Returns false unless there is exactly one bound,
 * and both the value and the bound are integers.
 */
function isBeyond(operator: 'Gt' | 'Lt', value: string, bounds: readonly string[]): boolean {
  const bound = bounds.length === 1 ? parseComparable(bounds[0] ?? '') : undefined;
  const integer = bound === undefined ? undefined : parseComparable(value);
  if (bound === undefined || integer === undefined) return false;
  return operator === 'Gt' ? integer > bound : integer < bound;
}

/** Returns whether the set allows this value (`undefined`: no label). */
export function has(set: ValueSet, value: string | undefined): boolean {
  if (value === undefined) return set.absent;
  return set.values.has(value) !== set.complement && withinBounds(set, value);
}

/** Returns the states that both sets allow. */
export function intersection(one: ValueSet, other: ValueSet): ValueSet {
  if (one === ANY_VALUE) return other;
  if (other === ANY_VALUE) return one;
  const absent = one.absent && other.absent;
  if (!one.complement) return finite(one.values, other, absent);
  if (!other.complement) return finite(other.values, one, absent);
  const above = greater(one.above, other.above);
  const below = lesser(one.below, other.below);
  return {
    complement: true,
    values: union(one.values, other.values),
    absent,
    ...(above !== undefined && { above }),
    ...(below !== undefined && { below }),
  };
}

/** Returns whether the set allows nothing. */
export function isEmpty(set: ValueSet): boolean {
  if (set.absent) return false;
  if (!set.complement) return set.values.size === 0;
  // `values` is ignored: it cannot exclude all spellings of an integer between the bounds, such as `7`, `07` and `007`.
  return set.above !== undefined && set.below !== undefined && set.below - set.above <= 1n;
}

/**
 * Returns whether `other` allows each state that `one` allows. May wrongly return false if the result depends on how an
 * integer is written, such as `7` or `07`.
 */
export function implies(one: ValueSet, other: ValueSet): boolean {
  if (one.absent && !other.absent) return false;
  if (!one.complement) return every(one.values, (value) => has(other, value));
  if (isEmpty({ ...one, absent: false })) return true;
  return other.complement && every(other.values, (value) => !has(one, value)) && boundsImply(one, other);
}

function boundsImply(one: ValueSet, other: ValueSet): boolean {
  return (
    (other.above === undefined || (one.above !== undefined && one.above >= other.above)) &&
    (other.below === undefined || (one.below !== undefined && one.below <= other.below))
  );
}

function boundedBy(operator: 'Gt' | 'Lt', values: readonly string[]): ValueSet {
  const bound = values.length === 1 ? parseInteger(values[0] ?? '') : undefined;
  if (bound === undefined) return NO_VALUE;
  return { ...PRESENT, ...(operator === 'Gt' ? { above: bound } : { below: bound }) };
}

function withinBounds({ above, below }: ValueSet, value: string): boolean {
  if (above === undefined && below === undefined) return true;
  const integer = parseInteger(value);
  if (integer === undefined) return false;
  return (above === undefined || integer > above) && (below === undefined || integer < below);
}

const INTEGER = /^[+-]?[0-9]+$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
/**
 * Maximum length of an integer. Label values have at most 63 characters, and a longer bound is out of range unless it
 * has leading zeros.
 */
const MAX_DIGITS = 64;

/** Parses an integer as Go's `strconv.ParseInt(text, 10, 64)` does; undefined if invalid or out of range. */
function parseInteger(text: string): bigint | undefined {
  if (text.length > MAX_DIGITS || !INTEGER.test(text)) return undefined;
  const integer = BigInt(text);
  return integer < MIN_INT64 || integer > MAX_INT64 ? undefined : integer;
}

/**
 * Maximum length of an integer that is parsed to a Number. Up to this length a Number is exact, and it is several times
 * as fast as a BigInt.
 */
const MAX_NUMBER_LENGTH = 15;

/** Parses an integer to a Number if that is exact, else to a BigInt. `<` and `>` compare the two types by value. */
function parseComparable(text: string): number | bigint | undefined {
  if (text.length > MAX_NUMBER_LENGTH) return parseInteger(text);
  return INTEGER.test(text) ? Number(text) : undefined;
}

function finite(values: ReadonlySet<string>, other: ValueSet, absent: boolean): ValueSet {
  const kept = new Set<string>();
  for (const value of values) if (has(other, value)) kept.add(value);
  return { complement: false, values: kept, absent };
}

function union(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  if (one.size === 0) return other;
  return other.size === 0 ? one : new Set([...one, ...other]);
}

function greater(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}

function lesser(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function every(values: ReadonlySet<string>, holds: (value: string) => boolean): boolean {
  for (const value of values) if (!holds(value)) return false;
  return true;
}
