import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';

/**
 * Reading fields of objects that anybody may have written. A field of another type than the API's reads as absent:
 * what decides on it must not depend on its being there.
 */

/** Labels and annotations. */
type StringMap = Readonly<Record<string, string>>;

const EMPTY_OBJECT: JsonObject = {};
const EMPTY_ARRAY: readonly Json[] = [];

/** The own field `key` when it is an object, else an empty one. */
export function objectAt(parent: JsonObject, key: string): JsonObject {
  const value = ownField(parent, key);
  return isJsonObject(value) ? value : EMPTY_OBJECT;
}

/** The own field `key` when it is an array, else an empty one. */
export function arrayAt(parent: JsonObject, key: string): readonly Json[] {
  const value = ownField(parent, key);
  return isJsonArray(value) ? value : EMPTY_ARRAY;
}

/** The own field `key` when it is a string that is not empty: the API treats an empty one as absent. */
export function textAt(parent: JsonObject, key: string): string | undefined {
  const value = ownField(parent, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The own field `key` when it is a string, an empty one as well: annotations and labels can be empty. */
export function stringAt(parent: JsonObject, key: string): string | undefined {
  const value = ownField(parent, key);
  return typeof value === 'string' ? value : undefined;
}

/** The own field `key` as a map of strings; entries of another type are left out. */
export function stringMapAt(parent: JsonObject, key: string): StringMap {
  const map = objectAt(parent, key);
  return isStringMap(map) ? map : Object.fromEntries(Object.entries(map).filter(isStringEntry));
}

/** An own entry of a map of labels or annotations. Names such as `constructor` are keys like any other. */
export function getLabel(labels: StringMap, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Whether a value is a JSON array. `Array.isArray` alone does not narrow readonly arrays. */
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
