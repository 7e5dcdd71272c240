import type { Random } from '@archpolicy/async';
import { seededRandom } from '../seeded-random.ts';
import { toChoice } from './axes.ts';
import type { Axes, Choice } from './axes.ts';
import { coverPairs } from './cover-pairs.ts';

/** One case. Seed and number determine it completely. */
export interface FuzzCase<A extends Axes> {
  readonly number: number;
  readonly choice: Choice<A>;
  /** For random bytes and lengths; the same numbers each time that the case runs. */
  readonly random: Random;
}

/** The share of the usual values in random cases. With a smaller share, hardly any exchange continues after its first message. */
const USUAL_SHARE = 0.8;

/** Returns the cases of a seed: first the rows that cover all pairs of values, then random choices. */
export class CaseSource<A extends Axes> {
  /** The number of cases that cover all pairs. */
  readonly pairCases: number;
  readonly #axes: A;
  readonly #seed: number;
  readonly #rows: readonly (readonly number[])[];
  readonly #even: readonly string[];

  /** @param even axes whose values are equally likely in random cases */
  constructor(axes: A, seed: number, even: readonly string[] = []) {
    this.#axes = axes;
    this.#even = even;
    this.#seed = seed;
    const sizes = Object.values(axes).map(({ length }) => length);
    this.#rows = coverPairs(sizes, seededRandom(seed));
    this.pairCases = this.#rows.length;
  }

  case(number: number): FuzzCase<A> {
    const random = seededRandom(mix(this.#seed, number));
    const indexes =
      this.#rows[number] ??
      Object.entries(this.#axes).map(([axis, { length }]) =>
        this.#even.includes(axis) ? Math.floor(random() * length) : selectIndex(length, random),
      );
    return { number, choice: toChoice(this.#axes, indexes), random };
  }
}

/** Values at the end of an axis are chosen less often: costly ones are there. */
function selectIndex(length: number, random: Random): number {
  return random() < USUAL_SHARE ? 0 : Math.floor(random() ** 2 * length);
}

/** Spreads neighbouring numbers over all seeds of the generator (the golden ratio, as in splitmix). */
function mix(seed: number, number: number): number {
  return (seed ^ Math.imul(number + 1, 0x9e3779b9)) >>> 0;
}
