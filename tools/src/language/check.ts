import { basename } from 'node:path';
import { splitName } from './glossary.ts';
import type { BannedWord } from './glossary.ts';
import { readMarkdown, readPlain, readScript } from './source-text.ts';
import type { SourceText } from './source-text.ts';

/** A banned word in a file. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

/** Finds banned words in the text of one file. */
export type Checker = (file: string, text: string) => readonly Finding[];

const PLAIN = /(?:^|\/)(?:Makefile|run|[^/]+\.(?:yaml|sh|go|jq|gotpl))$/;

/** Parses a file according to its extension. Returns undefined for a kind of file that is not checked. */
export function readSourceText(file: string, text: string): SourceText | undefined {
  if (/\.[jt]s$/.test(file)) return readScript(file, text);
  if (file.endsWith('.md')) return readMarkdown(text);
  return PLAIN.test(file) ? readPlain(text) : undefined;
}

/** Builds the check of a glossary. It checks the prose, the identifiers and the name of a file. */
export function buildChecker(banned: readonly BannedWord[]): Checker {
  const inProse = toPattern(banned.filter(({ namesOnly }) => !namesOnly));
  const replacements = new Map(banned.map(({ phrase, instead }) => [phrase, instead]));
  const inName = memoize((name) => findInName(splitName(name), banned));

  return (file, text) => {
    const source = readSourceText(file, text);
    if (source === undefined) return [];
    const { prose, names } = source;
    const lineAt = lineCounter(text);
    const ofFile = inName(basename(file)).map((found) => ({ found, line: 1 }));
    const ofProse = [...prose.matchAll(inProse)].map(({ 0: found, index }) => ({
      found: toPhrase(found),
      line: lineAt(index),
    }));
    const ofNames = names.flatMap((name) =>
      inName(name.text).map((found) => ({ found, line: lineAt(name.position), name: name.text })),
    );
    return [...ofFile, ...ofProse, ...ofNames].map(({ found, line, ...more }) => ({
      file,
      line,
      found: 'name' in more && more.name !== found ? `${found} (${String(more.name)})` : found,
      instead: replacements.get(found) ?? '',
    }));
  };
}

/** Prints a finding as `file:line: what to change`. */
export function describeFinding({ file, line, found, instead }: Finding): string {
  return `${file}:${line}: "${found}" is banned by docs/glossary.md, write: ${instead}`;
}

/** Returns a pattern that matches each phrase as whole words, also across a line break. */
function toPattern(banned: readonly BannedWord[]): RegExp {
  const phrases = banned.map(({ phrase }) => phrase.replace(/[^\w ]/g, '\\$&').replaceAll(' ', '\\s+'));
  const longestFirst = phrases.sort((a, b) => b.length - a.length);
  return new RegExp(phrases.length === 0 ? '(?!)' : `(?<![\\w])(?:${longestFirst.join('|')})(?![\\w])`, 'gi');
}

function toPhrase(found: string): string {
  return found.toLowerCase().replace(/\s+/g, ' ');
}

function findInName(words: readonly string[], banned: readonly BannedWord[]): readonly string[] {
  const joined = ` ${words.join(' ')} `;
  return banned.map(({ phrase }) => phrase).filter((phrase) => joined.includes(` ${phrase} `));
}

function memoize<T>(compute: (key: string) => T): (key: string) => T {
  const results = new Map<string, T>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = compute(key);
    results.set(key, result);
    return result;
  };
}

/** Returns a function that converts a position in the text to its line number. */
function lineCounter(text: string): (position: number) => number {
  return (position) => text.slice(0, position).split('\n').length;
}
