/** One small change to a source file that should make a test fail. */
export interface Mutant {
  /** Path from the repository's root. */
  readonly file: string;
  /** The function around it; empty at the top of the file. */
  readonly within: string;
  /** The original text and its replacement, with white space reduced to single spaces. */
  readonly from: string;
  readonly to: string;
  /** The position among mutants of the same text, from 1. */
  readonly nth: number;
  /** From 1. */
  readonly line: number;
  /** Its range in the file. */
  readonly start: number;
  readonly end: number;
  /** The replacement, unchanged. */
  readonly replacement: string;
  /** Whether it is evaluated only once, when the module is loaded. */
  readonly isStatic: boolean;
}

/** Identifies a mutant independently of the lines above it. */
export type MutantName = Pick<Mutant, 'file' | 'within' | 'from' | 'to' | 'nth'>;

export function describeMutant({ file, within, from, to, nth }: MutantName): string {
  return `${file} · ${within === '' ? '(module)' : within} · ${from} → ${to}${nth === 1 ? '' : ` (${nth})`}`;
}
