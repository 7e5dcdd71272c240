/** The fields of the errors that JSON.parse, `yaml` and js-yaml throw. */
interface ParseErrorFields {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  /** Start and end of the error in `yaml`, one-based. */
  readonly linePos?: readonly { readonly line?: unknown; readonly col?: unknown }[];
  /** Position of the error in js-yaml, zero-based. */
  readonly mark?: { readonly line?: unknown; readonly column?: unknown };
}

const PARSE_ERRORS: readonly unknown[] = ['SyntaxError', 'YAMLParseError', 'YAMLWarning', 'YAMLException'];
/** Start of a message that `yaml` throws as a ReferenceError: `Unresolved alias (the anchor must be set before the alias): NAME`. */
const UNRESOLVED_ALIAS = 'Unresolved alias';
/** Matches the position in `Expected ',' or '}' after property value in JSON at position 17 (line 1 column 18)`. */
const JSON_POSITION = / in JSON at position \d{1,12} \(line (\d{1,12}) column (\d{1,12})\)$/;
/** Matches an error code, such as `BAD_INDENT` or `ERR_INVALID_URL`. */
const CODE = /^[A-Z][A-Z0-9_]{2,49}$/;

/** Returns whether a parser threw the error. If so, its message and stack quote the parsed text, which may contain a secret. */
export function isParseError(error: unknown): boolean {
  const { name, message } = toErrorFields(error);
  if (PARSE_ERRORS.includes(name)) return true;
  return name === 'ReferenceError' && typeof message === 'string' && message.startsWith(UNRESOLVED_ALIAS);
}

/**
 * Describes a parser's error by its position and code, such as `syntax error at line 3, column 5 (BAD_INDENT)`. Messages, causes, logs,
 * events and statuses must contain no other part of the error.
 */
export function describeParseError(error: unknown): string {
  const fields = toErrorFields(error);
  const position = readPosition(fields);
  const code = typeof fields.code === 'string' && CODE.test(fields.code) ? ` (${fields.code})` : '';
  return `syntax error${position === undefined ? '' : ` at ${formatPosition(position)}`}${code}`;
}

/** A one-based line and column. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export function formatPosition({ line, column }: TextPosition): string {
  return `line ${line}, column ${column}`;
}

function readPosition({ linePos, mark, message }: ParseErrorFields): TextPosition | undefined {
  const start = linePos?.[0];
  if (start !== undefined) return toPosition(start.line, start.col, 0);
  if (mark !== undefined) return toPosition(mark.line, mark.column, 1);
  const [, line, column] = JSON_POSITION.exec(typeof message === 'string' ? message : '') ?? [];
  return line === undefined || column === undefined ? undefined : toPosition(Number(line), Number(column), 0);
}

function toPosition(line: unknown, column: unknown, offset: number): TextPosition | undefined {
  if (typeof line !== 'number' || typeof column !== 'number') return undefined;
  return { line: line + offset, column: column + offset };
}

function toErrorFields(error: unknown): ParseErrorFields {
  return typeof error === 'object' && error !== null ? error : {};
}
