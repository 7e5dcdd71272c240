import type { Random } from '@archpolicy/async';

/**
 * Returns rows that contain each pair of values of two different axes at least once, as indexes of values. Most faults
 * need at most two unusual values, and the rows are far fewer than all combinations.
 *
 * The greedy method of AETG (https://doi.org/10.1109/32.605761): each row begins with a pair that is not yet covered;
 * each further axis gets the value that covers the most new pairs. The npm packages for this have dependencies, or no
 * seed.
 *
 * @param sizes the number of values of each axis
 */
export function coverPairs(sizes: readonly number[], random: Random): readonly (readonly number[])[] {
  const pairs = new UncoveredPairs(sizes);
  const rows: number[][] = [];
  for (let first = pairs.first(); first !== undefined; first = pairs.first()) {
    const row = sizes.map(() => UNSET);
    row[first.axis] = first.value;
    row[first.otherAxis] = first.otherValue;
    for (const axis of shuffle([...sizes.keys()], random)) {
      if (row[axis] === UNSET) row[axis] = selectValue(axis, row, sizes[axis] ?? 0, pairs, random);
    }
    pairs.cover(row);
    rows.push(row);
  }
  return rows;
}

const UNSET = -1;
/** Above the number of axes, and above the number of values of an axis. */
const BASE = 256;

interface Pair {
  readonly axis: number;
  readonly value: number;
  readonly otherAxis: number;
  readonly otherValue: number;
}

/** The pairs that no row contains yet, in one number each. */
class UncoveredPairs {
  readonly #pairs = new Set<number>();

  constructor(sizes: readonly number[]) {
    for (const [otherAxis, otherSize] of sizes.entries()) {
      for (const [axis, size] of sizes.slice(0, otherAxis).entries()) {
        for (let at = 0; at < size * otherSize; at += 1)
          this.#pairs.add(encode(axis, at % size, otherAxis, Math.floor(at / size)));
      }
    }
  }

  first(): Pair | undefined {
    const [code] = this.#pairs;
    if (code === undefined) return undefined;
    const digit = (place: number): number => Math.floor(code / BASE ** place) % BASE;
    return { axis: digit(3), value: digit(2), otherAxis: digit(1), otherValue: digit(0) };
  }

  /** Returns how many uncovered pairs a value has with the values of a row. */
  countWith(axis: number, value: number, row: readonly number[]): number {
    return row.filter((other, at) => other !== UNSET && this.#pairs.has(encodeOrdered(axis, value, at, other))).length;
  }

  cover(row: readonly number[]): void {
    for (const [otherAxis, otherValue] of row.entries()) {
      for (let axis = 0; axis < otherAxis; axis += 1)
        this.#pairs.delete(encode(axis, row[axis] ?? 0, otherAxis, otherValue));
    }
  }
}

function encode(axis: number, value: number, otherAxis: number, otherValue: number): number {
  return ((axis * BASE + value) * BASE + otherAxis) * BASE + otherValue;
}

function encodeOrdered(a: number, aValue: number, b: number, bValue: number): number {
  return a < b ? encode(a, aValue, b, bValue) : encode(b, bValue, a, aValue);
}

function selectValue(
  axis: number,
  row: readonly number[],
  size: number,
  pairs: UncoveredPairs,
  random: Random,
): number {
  let best = { value: 0, covered: -1 };
  for (const value of shuffle([...Array.from({ length: size }).keys()], random)) {
    const covered = pairs.countWith(axis, value, row);
    if (covered > best.covered) best = { value, covered };
  }
  return best.value;
}

/** Fisher and Yates: https://en.wikipedia.org/wiki/Fisher%E2%80%93Yates_shuffle. */
function shuffle(values: number[], random: Random): number[] {
  for (let at = values.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [values[at], values[other]] = [values[other] ?? 0, values[at] ?? 0];
  }
  return values;
}
