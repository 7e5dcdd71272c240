/** One small change to a source file that some test should notice. */
export interface Mutant {
  /** Path from the repository's root. */
  readonly file: string;
  /** The function around it; empty at the top of the file. */
  readonly within: string;
  /** What stands there, and what takes its place; white space is one space. */
  readonly from: string;
  readonly to: string;
  /** Which of several that read the same, from 1. */
  readonly nth: number;
  /** From 1. */
  readonly line: number;
  /** Where it stands in the file. */
  readonly start: number;
  readonly end: number;
  /** The text that takes its place, as it is. */
  readonly replacement: string;
  /** It is evaluated once, when the module is loaded. */
  readonly isStatic: boolean;
}

/** What names a mutant whatever stands above it in its file. */
export type MutantName = Pick<Mutant, 'file' | 'within' | 'from' | 'to' | 'nth'>;

export function nameOf({ file, within, from, to, nth }: MutantName): string {
  return `${file} · ${within === '' ? '(module)' : within} · ${from} → ${to}${nth === 1 ? '' : ` (${nth})`}`;
}
