/** A word or phrase that docs/glossary.md bans, in lower case. */
export interface BannedWord {
  readonly phrase: string;
  /** The text to write instead, from the first column of the row in the glossary. */
  readonly instead: string;
  /** Whether the word is banned only in identifiers and file names. True for words of the column "not in names". */
  readonly namesOnly: boolean;
}

const COLUMNS = ['not in text', 'not in names'];
const CODE = /`([^`]+)`/g;

/**
 * Reads the tables whose last two columns are "not in text" and "not in names". A cell lists words in code spans. In
 * the last column, a span may be an identifier such as `takePlace`. Such a span bans names that contain its words in
 * this order.
 */
export function readGlossary(markdown: string): readonly BannedWord[] {
  const banned: BannedWord[] = [];
  let inTable = false;
  for (const line of markdown.split('\n')) {
    const cells = line.startsWith('|') ? toCells(line) : [];
    const [instead = '', , text = '', names = ''] = cells;
    if (cells.length === 0) inTable = false;
    else if (COLUMNS.every((column) => cells.includes(column))) inTable = true;
    else if (inTable) banned.push(...toBanned(instead, text, false), ...toBanned(instead, names, true));
  }
  return banned;
}

function toCells(row: string): readonly string[] {
  const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
  return cells.slice(1, -1);
}

function toBanned(instead: string, cell: string, namesOnly: boolean): readonly BannedWord[] {
  return [...cell.matchAll(CODE)].map(([, word = '']) => {
    const phrase = namesOnly ? splitName(word).join(' ') : word.toLowerCase();
    return { phrase, instead: instead.replaceAll('`', ''), namesOnly };
  });
}

/** Splits `maxHTTPBody`, `MAX_HTTP_BODY` and `max-http-body` into `max`, `http` and `body`. */
export function splitName(name: string): readonly string[] {
  return (name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}
