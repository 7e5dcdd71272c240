import type { Mutant } from './mutant.ts';

/** The global variable that contains the number of the active mutant, or 0 for none. */
export const SWITCH = 'activeMutant';

export interface NumberedMutant extends Mutant {
  /** Numbers start at 1. */
  readonly number: number;
}

/**
 * Returns the source with all its mutants. The global variable selects the active one, so the module is loaded only
 * once.
 */
export function instrument(text: string, mutants: readonly NumberedMutant[]): string {
  const byRange = Map.groupBy(mutants, ({ start, end }) => `${start} ${end}`);
  // Outer ranges come first. If two ranges have the same start, the longer one is the outer range.
  const ranges = [...byRange.values()].sort(([a], [b]) => getStart(a) - getStart(b) || getEnd(b) - getEnd(a));
  let next = 0;
  const write = (from: number, to: number): string => {
    let out = '';
    let at = from;
    for (let range = ranges[next]; range !== undefined && getStart(range[0]) < to; range = ranges[next]) {
      const [start, end] = [getStart(range[0]), getEnd(range[0])];
      next += 1;
      out += text.slice(at, start) + switched(range, write(start, end));
      at = end;
    }
    return out + text.slice(at, to);
  };
  return write(0, text.length);
}

function switched(range: readonly NumberedMutant[], original: string): string {
  const isJump = /^(?:continue|break)\b/u.test(original);
  if (isJump) return `if (globalThis.${SWITCH} !== ${range[0]?.number ?? 0}) ${original}`;
  const choices = range.map(({ number, replacement }) => `globalThis.${SWITCH} === ${number} ? (${replacement}) : `);
  return `(${choices.join('')}(${original}))`;
}

function getStart(mutant: NumberedMutant | undefined): number {
  return mutant?.start ?? Number.NaN;
}

function getEnd(mutant: NumberedMutant | undefined): number {
  return mutant?.end ?? Number.NaN;
}
