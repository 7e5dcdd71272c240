import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMutant } from './mutant.ts';
import type { Mutant, MutantName } from './mutant.ts';
import { ROOT } from './subjects.ts';

/** A mutant that may survive, with the reason. */
export interface Accepted extends MutantName {
  readonly reason: string;
}

const FILE = 'packages/core/mutants.json';

/**
 * Returns the mutants that may survive. The file groups them by reason: `{reason: [{file, within, from, to, nth?},
 * …]}`.
 */
export function readAccepted(): readonly Accepted[] {
  const byReason = JSON.parse(readFileSync(join(ROOT, FILE), 'utf8')) as Readonly<
    Record<string, readonly (Omit<MutantName, 'nth'> & { readonly nth?: number })[]>
  >;
  return Object.entries(byReason).flatMap(([reason, mutants]) =>
    mutants.map((mutant) => ({ nth: 1, ...mutant, reason })),
  );
}

/** Returns the accepted mutants that no longer exist. */
export function outdated(accepted: readonly Accepted[], mutants: readonly Mutant[]): readonly Accepted[] {
  const names = new Set(mutants.map(describeMutant));
  return accepted.filter((one) => !names.has(describeMutant(one)));
}
