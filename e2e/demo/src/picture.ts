import type { Line, Style } from './terminal.ts';

const COLOURS: Readonly<Record<Style, string>> = {
  heading: '#7dd3fc',
  text: '#e2e8f0',
  command: '#ffffff',
  output: '#94a3b8',
  good: '#86efac',
  bad: '#fca5a5',
};

/** Pixels: 13 px monospace text is 7.8 wide; the margins leave room for the title bar. */
const FONT_SIZE = 13;
const CHARACTER_WIDTH = 7.8;
const LINE_HEIGHT = 18;
const MARGIN = 16;
const TITLE_BAR = 34;
/** Wider lines are cut: no README shows more. */
const MAX_COLUMNS = 150;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function escape(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
}

function cut(text: string): string {
  return text.length > MAX_COLUMNS ? `${text.slice(0, MAX_COLUMNS - 1)}…` : text;
}

function draw({ style, text }: Line, index: number): string {
  const y = TITLE_BAR + MARGIN + index * LINE_HEIGHT;
  const weight = style === 'heading' || style === 'command' ? ' font-weight="bold"' : '';
  return `<text x="${MARGIN}" y="${y}" fill="${COLOURS[style]}"${weight} xml:space="preserve">${escape(cut(text))}</text>`;
}

/** A recorded terminal session as a self-contained SVG, readable on light and dark pages. */
export function picture(title: string, lines: readonly Line[]): string {
  const columns = Math.max(60, ...lines.map(({ text }) => cut(text).length));
  const width = Math.ceil(columns * CHARACTER_WIDTH) + 2 * MARGIN;
  const height = TITLE_BAR + lines.length * LINE_HEIGHT + 2 * MARGIN;
  const dots = ['#f87171', '#fbbf24', '#4ade80'].map(
    (colour, index) => `<circle cx="${20 + index * 18}" cy="17" r="5.5" fill="${colour}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0f172a"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}">`,
    `<text x="${width / 2}" y="21" fill="#64748b" text-anchor="middle">${escape(title)}</text>`,
    ...lines.map(draw),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
