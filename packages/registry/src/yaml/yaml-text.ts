import { describeParseError, formatPosition } from '@archpolicy/core';
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import { RegistryError } from '../errors.ts';

/** A parsed YAML text. Only `value` contains parts of the text. */
export interface YamlText {
  readonly value: unknown;
  /** Returns the position of a field of the object at `path`, such as `line 3, column 5`. */
  readonly getPosition: (path: readonly PropertyKey[], field: string) => string | undefined;
  /** Returns where the value at `path` begins; undefined if there is none. */
  readonly locate: (path: readonly PropertyKey[]) => string | undefined;
}

/**
 * Parses YAML or JSON without aliases. An error contains only the code and position of the parser's error. The parser's
 * message quotes the text, which may contain a secret.
 * @param what names the text in the message
 * @throws RegistryError with code RegistriesFile and without a cause
 */
export function parseYamlText(text: string, what: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    throw new RegistryError('RegistriesFile', `${what}: not YAML: ${describeParseError(error)}`);
  }
  return {
    value: parseValue(document, lines, what),
    getPosition: (path, field) => {
      const parent = path.length === 0 ? document.contents : document.getIn(path, true);
      const keys = isMap(parent) ? parent.items.map(({ key }) => key) : [];
      return describePosition(
        keys.filter(isScalar).find(({ value }) => String(value) === field),
        lines,
      );
    },
    locate: (path) => {
      const node = path.length === 0 ? document.contents : document.getIn(path, true);
      return isNode(node) ? describePosition(node, lines) : undefined;
    },
  };
}

function describePosition(node: Node | undefined, lines: LineCounter): string | undefined {
  const offset = node?.range?.[0];
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return formatPosition({ line, column: col });
}

function parseValue(document: Document, lines: LineCounter, what: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    // A host such as `*.corp.example` without quotes is an alias.
    const advice = 'put text that begins with * into quotes';
    throw new RegistryError(
      'RegistriesFile',
      `${what}: aliases (*name) are not supported${at(findAlias(document), lines)}: ${advice}`,
    );
  }
}

function at(node: Node | undefined, lines: LineCounter): string {
  const position = describePosition(node, lines);
  return position === undefined ? '' : ` at ${position}`;
}

function findAlias(document: Document): Node | undefined {
  let found: Node | undefined;
  visit(document, {
    Alias: (_, alias) => {
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}
