import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';

/** Functions that read fields of untrusted objects. They read a field of the wrong type as absent. */

/** Labels and annotations. */
type StringMap = Readonly<Record<string, string>>;

const EMPTY_OBJECT: JsonObject = {};
const EMPTY_ARRAY: readonly Json[] = [];

/** Returns the own field `key` if it is an object, else an empty one. */
export function objectAt(parent: JsonObject, key: string): JsonObject {
  const value = ownField(parent, key);
  return isJsonObject(value) ? value : EMPTY_OBJECT;
}

/** Returns the own field `key` if it is an array, else an empty one. */
export function arrayAt(parent: JsonObject, key: string): readonly Json[] {
  const value = ownField(parent, key);
  return isJsonArray(value) ? value : EMPTY_ARRAY;
}

/** Returns the own field `key` if it is a non-empty string. The API treats an empty string as absent. */
export function textAt(parent: JsonObject, key: string): string | undefined {
  const value = ownField(parent, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns the own field `key` if it is a string. It may be empty, as annotations and labels can be. */
export function stringAt(parent: JsonObject, key: string): string | undefined {
  const value = ownField(parent, key);
  return typeof value === 'string' ? value : undefined;
}

/** Returns the own field `key` as a map of strings. Drops values that are not strings. */
export function stringMapAt(parent: JsonObject, key: string): StringMap {
  const map = objectAt(parent, key);
  return isStringMap(map) ? map : Object.fromEntries(Object.entries(map).filter(isStringEntry));
}

/** Returns the value of a label or annotation. Ignores inherited properties, because `constructor` is a valid key. */
export function getLabel(labels: StringMap, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Returns whether a value is a JSON array. `Array.isArray` alone does not narrow readonly arrays. */
export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function ownField(parent: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function isStringMap(map: JsonObject): map is StringMap {
  for (const key in map) if (typeof map[key] !== 'string') return false;
  return true;
}

function isStringEntry(entry: [string, Json | undefined]): entry is [string, string] {
  return typeof entry[1] === 'string';
}
