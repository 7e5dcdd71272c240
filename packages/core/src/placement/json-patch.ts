import { isJsonArray } from '../json/read.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';

/**
 * The supported operations of JSON Patch.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6902#section-4
 * @example {"op":"add","path":"/metadata/annotations/archpolicy.dev~1decision","value":"…"}
 */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

export type AppliedPatch =
  | { readonly kind: 'applied'; readonly value: Json }
  /** `at` is the index of the operation that failed. */
  | { readonly kind: 'refused'; readonly at: number };

/** Formats a JSON Pointer: https://www.rfc-editor.org/rfc/rfc6901 */
export function pointer(...tokens: readonly (string | number)[]): string {
  let path = '';
  for (const token of tokens) path += `/${typeof token === 'number' ? token : escapeToken(token)}`;
  return path;
}

/** Parses a JSON Pointer; `undefined` if it is not valid. */
export function pointerTokens(path: string): readonly string[] | undefined {
  if (path === '') return [];
  if (!path.startsWith('/')) return undefined;
  const tokens = path.slice(1).split('/');
  // Most pointers contain no escape, so this is faster.
  if (!path.includes('~')) return tokens;
  return /~(?![01])/.test(path) ? undefined : tokens.map(unescapeToken);
}

/** Applies a patch. The document is not modified: unchanged parts are shared with the result. */
export function applyPatch(document: Json, patch: readonly JsonPatchOperation[]): AppliedPatch {
  let value = document;
  for (const [at, operation] of patch.entries()) {
    const tokens = pointerTokens(operation.path);
    const next = tokens === undefined ? undefined : applyAt(value, tokens, 0, operation);
    if (next === undefined) return { kind: 'refused', at };
    value = next;
  }
  return { kind: 'applied', value };
}

/** Whether two JSON values are equal, regardless of the order of fields. */
export function jsonEqual(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (isJsonArray(one)) {
    return isJsonArray(other) && one.length === other.length && one.every((value, i) => jsonEqual(value, other[i]));
  }
  if (!isJsonObject(one) || !isJsonObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && jsonEqual(one[key], other[key]))
  );
}

function escapeToken(token: string): string {
  return token.includes('~') || token.includes('/') ? token.replaceAll('~', '~0').replaceAll('/', '~1') : token;
}

function unescapeToken(token: string): string {
  if (!token.includes('~')) return token;
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function applyAt(
  value: Json,
  tokens: readonly string[],
  depth: number,
  operation: JsonPatchOperation,
): Json | undefined {
  const token = tokens[depth];
  if (token === undefined) return applyToWhole(value, operation);
  const last = depth === tokens.length - 1;
  if (isJsonArray(value)) {
    const index = arrayIndex(token, value.length);
    if (index === undefined) return undefined;
    if (last) return applyToElement(value, index, operation);
    const element = value[index];
    const next = element === undefined ? undefined : applyAt(element, tokens, depth + 1, operation);
    return next === undefined ? undefined : value.with(index, next);
  }
  if (!isJsonObject(value)) return undefined;
  if (last) return applyToField(value, token, operation);
  const field = Object.hasOwn(value, token) ? value[token] : undefined;
  const next = field === undefined ? undefined : applyAt(field, tokens, depth + 1, operation);
  return next === undefined ? undefined : withField(value, token, next);
}

/**
 * Applies an operation to the whole document. Refuses to remove the document, because no patch of ArchPolicy does that.
 */
function applyToWhole(value: Json, operation: JsonPatchOperation): Json | undefined {
  if (operation.op === 'remove') return undefined;
  if (operation.op === 'test') return jsonEqual(value, operation.value) ? value : undefined;
  return operation.value;
}

function applyToElement(array: readonly Json[], index: number, operation: JsonPatchOperation): Json | undefined {
  if (operation.op === 'add') return array.toSpliced(index, 0, operation.value);
  if (index >= array.length) return undefined;
  if (operation.op === 'remove') return array.toSpliced(index, 1);
  if (operation.op === 'test') return jsonEqual(array[index], operation.value) ? array : undefined;
  return array.with(index, operation.value);
}

function applyToField(object: JsonObject, key: string, operation: JsonPatchOperation): Json | undefined {
  if (operation.op === 'add') return withField(object, key, operation.value);
  if (!Object.hasOwn(object, key)) return undefined;
  if (operation.op === 'remove') return withoutField(object, key);
  if (operation.op === 'test') return jsonEqual(object[key], operation.value) ? object : undefined;
  return withField(object, key, operation.value);
}

function withField(object: JsonObject, key: string, value: Json): JsonObject {
  // An assignment cannot create an own field named `__proto__`. A literal can, but takes three times as long.
  if (key === '__proto__') return { ...object, [key]: value };
  const copy: Record<string, Json | undefined> = { ...object };
  copy[key] = value;
  return copy;
}

function withoutField(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

const INDEX = /^(0|[1-9][0-9]{0,9})$/;

/** Parses an index. `-` means the position after the last element. */
function arrayIndex(token: string, length: number): number | undefined {
  if (token === '-') return length;
  const index = INDEX.test(token) ? Number(token) : undefined;
  return index === undefined || index > length ? undefined : index;
}
