/** One table: its header cells and its rows. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const FENCE = /^ *```[\s\S]*?^ *```/gm;
const CODE = /`([^`\n]+)`/g;
const LINK = /\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\))?)\)/g;

/** The text without fenced blocks: they hold examples. */
function prose(markdown: string): string {
  return markdown.replace(FENCE, '');
}

/** The tables of a page, in their order. */
export function readTables(markdown: string): readonly Table[] {
  const blocks = prose(markdown).match(/(?:^\|.*\n?)+/gm) ?? [];
  return blocks.map((block) => {
    const [header = [], , ...rows] = block.trim().split('\n').map(cellsOf);
    return { header, rows };
  });
}

function cellsOf(row: string): readonly string[] {
  return row
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** What stands between backquotes. */
export function codeSpans(text: string): readonly string[] {
  return [...text.matchAll(CODE)].map(([, code = '']) => code);
}

/** The targets of links, without those to other sites. */
export function localLinks(markdown: string): readonly string[] {
  const text = prose(markdown).replace(CODE, '');
  return [...text.matchAll(LINK)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a page's headings, as GitHub forms them. */
export function anchors(markdown: string): ReadonlySet<string> {
  const headings = prose(markdown).match(/^#+ .*$/gm) ?? [];
  return new Set(headings.map((heading) => slug(heading.replace(/^#+ /, ''))));
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
