import { describeParseError, isParseError, withoutUndefined } from '@archpolicy/core';

const REDACTED = '[redacted]';

/** The value of a field with such a name is redacted. */
const SECRET_NAME =
  /(?:pass(?:word|wd)?$|secret$|token$|authorization|credential|cookie|private-?key|api-?key|dockerconfig)/iu;

/** Secrets inside texts: credentials in a URL, and the token after an authentication scheme. */
const URL_CREDENTIALS = /(?<scheme>[a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/giu;
const SCHEME_CREDENTIALS = /\b(?<scheme>bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/giu;
/** Signed URLs (registries redirect blobs to them) carry their credentials in the query. */
const QUERY = /(?<path>https?:\/\/[^\s?"']+)\?[^\s"']+/giu;
/** Characters that change how a terminal shows a line, except line breaks and tabs, which JSON escapes. */
const INVISIBLE = /[^\P{C}\n\t]/gu;
const PEM_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*/gu;

/** Limits that keep log lines readable. Longer texts, and deeper or longer structures, are cut. */
const MAX_TEXT = 2000;
const MAX_STACK = 4000;
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;

/**
 * Returns a copy of log fields that is safe to write: secrets redacted by name and by shape, sizes bounded, errors as plain
 * objects with their code and causes. Never throws.
 */
export function sanitize(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copyObject(fields, 0);
}

/** Returns a text without credentials and invisible characters, of at most `max` characters. */
export function sanitizeText(text: string, max = MAX_TEXT): string {
  // Cut first, to bound the work of the expressions below.
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut
    .replaceAll(INVISIBLE, '')
    .replace(PEM_KEY, REDACTED)
    .replace(URL_CREDENTIALS, `$<scheme>${REDACTED}@`)
    .replace(QUERY, `$<path>?${REDACTED}`)
    .replace(SCHEME_CREDENTIALS, `$<scheme> ${REDACTED}`);
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return sanitizeText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (isError(value)) return copyError(value, depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => copy(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return copyStructure(value, depth);
}

function isError(value: object): value is Error {
  // The tag also matches errors of another realm (those of Node's own modules, under a test runner).
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function copyStructure(value: object, depth: number): unknown {
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    try {
      const json: unknown = (value.toJSON as () => unknown)();
      return json === value ? copyObject(value, depth) : copy(json, depth + 1);
    } catch {
      return '[unserialisable]';
    }
  }
  return copyObject(value, depth);
}

function copyObject(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, SECRET_NAME.test(key) ? REDACTED : copy(item, depth + 1)]),
  );
}

function copyError(error: Error, depth: number): Record<string, unknown> {
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  // The message and stack of a parse error quote the parsed text.
  if (isParseError(error)) return { type: error.name, message: describeParseError(error) };
  return withoutUndefined({
    type: error.name,
    code,
    message: sanitizeText(error.message),
    stack: error.stack === undefined || depth > 1 ? undefined : sanitizeText(error.stack, MAX_STACK),
    cause: error.cause === undefined ? undefined : copy(error.cause, depth + 1),
  });
}
