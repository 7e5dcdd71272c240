import type { Mutant } from './mutant.ts';

/** Where the number of the mutant that is switched on stands; 0: none. */
export const SWITCH = 'activeMutant';

export interface NumberedMutant extends Mutant {
  /** From 1. */
  readonly number: number;
}

/** The source with all its mutants in it, each behind the switch: the module is loaded once for all of them. */
export function instrument(text: string, mutants: readonly NumberedMutant[]): string {
  const byPlace = Map.groupBy(mutants, ({ start, end }) => `${start} ${end}`);
  // Outer ones first: at the same start the longer one is outside.
  const places = [...byPlace.values()].sort(([a], [b]) => startOf(a) - startOf(b) || endOf(b) - endOf(a));
  let next = 0;
  const write = (from: number, to: number): string => {
    let out = '';
    let at = from;
    for (let place = places[next]; place !== undefined && startOf(place[0]) < to; place = places[next]) {
      const [start, end] = [startOf(place[0]), endOf(place[0])];
      next += 1;
      out += text.slice(at, start) + switched(place, write(start, end));
      at = end;
    }
    return out + text.slice(at, to);
  };
  return write(0, text.length);
}

function switched(place: readonly NumberedMutant[], original: string): string {
  const isJump = /^(?:continue|break)\b/u.test(original);
  if (isJump) return `if (globalThis.${SWITCH} !== ${place[0]?.number ?? 0}) ${original}`;
  const choices = place.map(({ number, replacement }) => `globalThis.${SWITCH} === ${number} ? (${replacement}) : `);
  return `(${choices.join('')}(${original}))`;
}

function startOf(mutant: NumberedMutant | undefined): number {
  return mutant?.start ?? Number.NaN;
}

function endOf(mutant: NumberedMutant | undefined): number {
  return mutant?.end ?? Number.NaN;
}
