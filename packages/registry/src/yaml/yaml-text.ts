import { describeParseError, formatPosition } from '@archpolicy/core';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { RegistryError } from '../errors.ts';

/** A parsed YAML text. Only `value` contains parts of the text. */
export interface YamlText {
  readonly value: unknown;
  /** Returns the position of a field of the object at `path`, such as `line 3, column 5`. */
  readonly getPosition: (path: readonly PropertyKey[], field: string) => string | undefined;
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
    value: parseValue(document, what),
    getPosition: (path, field) => {
      const parent = path.length === 0 ? document.contents : document.getIn(path, true);
      const keys = isMap(parent) ? parent.items.map(({ key }) => key) : [];
      const key = keys.filter(isScalar).find(({ value }) => String(value) === field);
      const offset = key?.range?.[0];
      if (offset === undefined) return undefined;
      const { line, col } = lines.linePos(offset);
      return formatPosition({ line, column: col });
    },
  };
}

function parseValue(document: ReturnType<typeof parseDocument>, what: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new RegistryError('RegistriesFile', `${what}: aliases (*name) are not supported`);
  }
}
