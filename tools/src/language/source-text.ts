import { createSourceFile, createScanner, forEachChild, LanguageVariant, ScriptTarget, SyntaxKind } from 'typescript';
import type { Node, SourceFile } from 'typescript';

/** The parts of a file that contain words. */
export interface SourceText {
  /**
   * The prose of the file. Comment markers are replaced by blanks and code by `CODE`, so each character of the prose
   * keeps its position, and a phrase is found across a line break, but not across code.
   */
  readonly prose: string;
  /** The same text as `prose`, but with only the comments. */
  readonly comments: string;
  readonly names: readonly Name[];
}

export interface Name {
  readonly text: string;
  readonly position: number;
}

/** The character that replaces each character of code in `prose`. */
const CODE = '\u0000';
const COMMENT_MARKERS = /^([ \t]*)(\/\*\*?|\*\/|\*|\/\/+|#+)/gm;

/**
 * Reads a TypeScript or JavaScript file. Its prose consists of the comments and of string literals that contain a
 * space.
 */
export function readScript(file: string, text: string): SourceText {
  const source = createSourceFile(file, text, ScriptTarget.Latest, false);
  const parts = collect(source);
  const comments = commentRanges(text, parts.literals);
  const strings = parts.literals.filter(({ isText, from, to }) => isText && text.slice(from, to).includes(' '));
  return {
    prose: keep(text, [...comments, ...strings]),
    comments: keep(text, comments),
    names: parts.names,
  };
}

/** Reads a Markdown file. Its prose is the whole text except for fenced blocks. */
export function readMarkdown(text: string): SourceText {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, blank);
  return { prose, comments: '', names: [] };
}

/**
 * Reads YAML, a Makefile or a shell script. Its prose is the whole text. A comment begins with a `#` at the start of a
 * line or after white space.
 */
export function readPlain(text: string): SourceText {
  const comments = [...text.matchAll(/(?<=^|\s)#(?!!).*$/gm)].map(({ index, 0: { length } }) => ({
    from: index,
    to: index + length,
  }));
  return { prose: text.replace(COMMENT_MARKERS, blank), comments: keep(text, comments), names: [] };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Literal extends Range {
  /** Whether the literal is text. False for a regular expression. */
  readonly isText: boolean;
}

interface Parts {
  readonly names: readonly Name[];
  readonly literals: readonly Literal[];
}

function collect(source: SourceFile): Parts {
  const names: Name[] = [];
  const literals: Literal[] = [];
  const visit = (node: Node): void => {
    if (node.kind === SyntaxKind.Identifier || node.kind === SyntaxKind.PrivateIdentifier) {
      const position = node.getStart(source);
      names.push({ text: source.text.slice(position, node.end), position });
    } else if (LITERALS.has(node.kind)) {
      const isText = node.kind !== SyntaxKind.RegularExpressionLiteral;
      literals.push({ from: node.getStart(source), to: node.end, isText });
    }
    forEachChild(node, visit);
  };
  visit(source);
  return { names, literals: literals.sort((a, b) => a.from - b.from) };
}

const LITERALS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
  SyntaxKind.RegularExpressionLiteral,
]);

/**
 * Returns the ranges of the comments of a file. Skips the literals, because the scanner cannot tokenize templates and
 * regular expressions without a parser.
 */
function commentRanges(text: string, literals: readonly Literal[]): readonly Range[] {
  const scanner = createScanner(ScriptTarget.Latest, false, LanguageVariant.Standard, text);
  const found: Range[] = [];
  let next = 0;
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const from = scanner.getTokenStart();
    const literal = literals[next];
    if (literal !== undefined && from >= literal.from) {
      next += 1;
      scanner.resetTokenState(literal.to);
    } else if (kind === SyntaxKind.SingleLineCommentTrivia || kind === SyntaxKind.MultiLineCommentTrivia) {
      found.push({ from, to: scanner.getTokenEnd() });
    }
  }
  return found;
}

function keep(text: string, ranges: readonly Range[]): string {
  const parts: string[] = [];
  let end = 0;
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    parts.push(text.slice(end, from).replace(/\S/g, CODE), text.slice(from, to).replace(/\\./g, blank));
    end = to;
  }
  parts.push(text.slice(end).replace(/\S/g, CODE));
  return parts.join('').replace(COMMENT_MARKERS, blank);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
