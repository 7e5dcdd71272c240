import type { Finding } from './check.ts';

/** Maps each file to the number of banned words that it may contain. The numbers never increase. */
export type Allowance = Readonly<Record<string, number>>;

/**
 * Returns a line for each finding in a file with more findings than the allowance permits, and for each count of the
 * allowance that is higher than needed.
 */
export function compare(
  findings: readonly Finding[],
  allowance: Allowance,
  describe: (finding: Finding) => string,
): readonly string[] {
  const counts = countByFile(findings);
  const tooMany = findings.filter(({ file }) => (counts[file] ?? 0) > (allowance[file] ?? 0)).map(describe);
  const tooHigh = Object.entries(allowance).filter(([file, allowed]) => allowed > (counts[file] ?? 0));
  return [
    ...tooMany,
    ...tooHigh.map(
      ([file, allowed]) =>
        `${file}: the allowance is ${allowed}, the file has ${counts[file] ?? 0} banned words: run make words-allowance`,
    ),
  ];
}

export type Shrunk =
  | { readonly kind: 'shrunk'; readonly allowance: Allowance }
  | { readonly kind: 'grew'; readonly files: readonly string[] };

/**
 * Returns an allowance with the current counts, unless the count of a file has grown. The files that are new in the
 * list may have as many findings in total as the files that are no longer in it, because a file may have been renamed.
 */
export function shrink(findings: readonly Finding[], before: Allowance): Shrunk {
  const counts = countByFile(findings);
  const grown = Object.keys(counts).filter((file) => file in before && (counts[file] ?? 0) > (before[file] ?? 0));
  const added = Object.keys(counts).filter((file) => !(file in before));
  const removed = Object.keys(before).filter((file) => !(file in counts));
  const renamed = total(added, counts) <= total(removed, before);
  if (grown.length > 0 || !renamed) return { kind: 'grew', files: [...grown, ...(renamed ? [] : added)] };
  return { kind: 'shrunk', allowance: counts };
}

function total(files: readonly string[], counts: Allowance): number {
  return files.reduce((sum, file) => sum + (counts[file] ?? 0), 0);
}

function countByFile(findings: readonly Finding[]): Allowance {
  const counts: Record<string, number> = {};
  for (const { file } of findings) counts[file] = (counts[file] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
