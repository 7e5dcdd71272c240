import type { Allowance } from './allowance.ts';
import { readSourceText } from './check.ts';

/**
 * The number of words in the comments of one part, and how many of them belong to the two groups that the style guide
 * limits.
 */
export interface WordCount {
  readonly part: string;
  readonly words: number;
  readonly people: number;
  readonly speech: number;
}

/** Maximum rate of each group, per 1,000 words of comments. */
const MAX_RATE = 0.5;

const WORD = /[a-z][\w'’-]*/gi;
const PEOPLE = /^(?:who(?:ever)?|(?:no|every|some)body)$/i;
const SPEECH = /^(?:say|says|said|tell|told)$/i;

/** Counts the words of all comments per part: a folder of `packages/`, or a folder at the top. */
export function countWords(files: Iterable<readonly [file: string, text: string]>): readonly WordCount[] {
  const counts = new Map<string, WordCount>();
  for (const [file, text] of files) {
    const comments = readSourceText(file, text)?.comments ?? '';
    const words = comments.match(WORD) ?? [];
    if (words.length === 0) continue;
    const part = toPart(file);
    const before = counts.get(part) ?? { part, words: 0, people: 0, speech: 0 };
    counts.set(part, {
      part,
      words: before.words + words.length,
      people: before.people + words.filter((word) => PEOPLE.test(word)).length,
      speech: before.speech + words.filter((word) => SPEECH.test(word)).length,
    });
  }
  return [...counts.values()].sort((a, b) => (a.part < b.part ? -1 : 1));
}

function toPart(file: string): string {
  return /^(?:packages\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? 'top';
}

/**
 * Returns a line for each rate above the limit. Ignores parts for which the allowance still permits banned words. Also
 * ignores groups with a single word, because in a small part one word exceeds the rate.
 */
export function findHighRates(counts: readonly WordCount[], allowance: Allowance): readonly string[] {
  const unfinished = new Set(Object.keys(allowance).map(toPart));
  return counts
    .filter(({ part }) => !unfinished.has(part))
    .flatMap(({ part, words, people, speech }) => [
      ...describeRate(part, 'pronouns for people', people, words),
      ...describeRate(part, 'verbs of speech', speech, words),
    ]);
}

function describeRate(part: string, what: string, count: number, words: number): readonly string[] {
  if (count <= 1 || toRate(count, words) <= MAX_RATE) return [];
  return [
    `${part}: ${toRate(count, words).toFixed(2)} ${what} per 1,000 words of comments, at most ${MAX_RATE} are allowed`,
  ];
}

/** Returns a count per 1,000 words. */
function toRate(count: number, words: number): number {
  return words === 0 ? 0 : (count * 1000) / words;
}

/** Renders the counts as a table, with a row for all parts. */
export function renderCounts(counts: readonly WordCount[]): string {
  const sum = (key: 'words' | 'people' | 'speech'): number => counts.reduce((total, count) => total + count[key], 0);
  const all: WordCount = { part: 'all', words: sum('words'), people: sum('people'), speech: sum('speech') };
  const rows = [...counts, all].map(({ part, words, people, speech }) => [
    part,
    String(words),
    toRate(people, words).toFixed(2),
    toRate(speech, words).toFixed(2),
  ]);
  const header = ['part', 'words of comments', 'people per 1,000', 'speech per 1,000'];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const toLine = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [header, ...rows].map(toLine).join('\n');
}
