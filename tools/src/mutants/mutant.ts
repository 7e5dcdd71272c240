/** One small change to a source file that should make a test fail. */
export interface Mutant {
  /** Path from the repository's root. */
  readonly file: string;
  /** The name of the function that contains the mutant. Empty outside of functions. */
  readonly within: string;
  /** The original text and its replacement, with white space reduced to single spaces. */
  readonly from: string;
  readonly to: string;
  /** The position among the mutants with the same `within`, `from` and `to`, from 1. */
  readonly nth: number;
  /** From 1. */
  readonly line: number;
  /** The start of its range in the file. */
  readonly start: number;
  readonly end: number;
  /** The replacement with its original white space. */
  readonly replacement: string;
  /** Whether the changed code is evaluated only once, when the module is loaded. */
  readonly isStatic: boolean;
}

/** The fields that identify a mutant even after lines above it have changed. */
export type MutantName = Pick<Mutant, 'file' | 'within' | 'from' | 'to' | 'nth'>;

export function describeMutant({ file, within, from, to, nth }: MutantName): string {
  return `${file} · ${within === '' ? '(module)' : within} · ${from} → ${to}${nth === 1 ? '' : ` (${nth})`}`;
}
