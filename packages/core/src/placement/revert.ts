import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { isJsonArray } from '../json/read.ts';
import { readOwner } from '../kubernetes/owner.ts';
import type { Addition } from './additions.ts';
import { applyPatch, jsonEqual, pointer, pointerTokens } from './json-patch.ts';
import type { ManagedPath } from './managed-paths.ts';
import { managedPaths } from './managed-paths.ts';

/** The additions of earlier calls, from the pod's annotation. */
export interface RecordedAdditions {
  readonly added: readonly Addition[];
  /** The number of required terms when the additions were recorded. Absent if it was not recorded. */
  readonly terms?: number;
}

/** A pod without the additions of earlier calls. */
export interface Reverted {
  readonly pod: JsonObject;
  /** The removed values, in the order of their removal. Each path refers to the pod after the previous removals. */
  readonly removed: readonly Addition[];
}

/**
 * PL2: removes recorded additions from a pod. An addition is removed only if it is still in the pod unchanged and has a
 * managed shape. The last addition is removed first, so that the recorded positions hold. If ArchPolicy created a
 * parent and others added values to it, the parent and those values are kept.
 *
 * @param namespaceKeys keys of the namespace's own node selector. They are never additions of ArchPolicy, because the
 *   API server adds them before it calls the webhook.
 */
export function revert(
  pod: JsonObject,
  { added, terms }: RecordedAdditions,
  copiedKeys: readonly string[],
  namespaceKeys: readonly string[] = [],
): Reverted {
  const root = managedPaths(copiedKeys, readOwner(pod) === undefined ? { except: namespaceKeys } : undefined);
  let current: Json = pod;
  const removed: Addition[] = [];
  for (const addition of added.toReversed()) {
    const tokens = pointerTokens(addition.path);
    const found =
      tokens === undefined
        ? []
        : findRemovals({ managed: root, value: current, path: '', terms }, tokens, addition.value);
    const applied = applyPatch(
      current,
      found.map(({ path }) => ({ op: 'remove', path })),
    );
    if (applied.kind === 'refused') continue;
    current = applied.value;
    removed.push(...found);
  }
  return { pod: isJsonObject(current) ? current : pod, removed };
}

interface Position {
  readonly managed: ManagedPath;
  readonly value: Json;
  readonly path: string;
  readonly terms?: number | undefined;
}

/** Returns the values to remove at the path of the tokens; none if the path is not managed. */
function findRemovals(at: Position, tokens: readonly string[], recorded: Json): readonly Addition[] {
  const [token, ...rest] = tokens;
  if (token === undefined) {
    const found = matchValue(at, recorded);
    return found === 'whole' ? [{ path: at.path, value: at.value }] : found;
  }
  const { managed, value } = at;
  if (managed.kind === 'elements') {
    return rest.length === 0 && isJsonArray(value)
      ? matchElement(managed, value, at.path, recorded, Number(token))
      : [];
  }
  if (managed.kind === 'value') return [];
  const child = managed.kind === 'object' ? getManagedField(managed, token) : managed.term;
  const next = managed.kind === 'object' ? fieldAt(value, token) : termAt(value, token, at.terms);
  if (child === undefined || next === undefined) return [];
  return findRemovals({ managed: child, value: next, path: at.path + pointer(token), terms: at.terms }, rest, recorded);
}

/** Returns `'whole'` if the complete value is recorded, else its recorded parts in the order of their removal. */
function matchValue(at: Position, recorded: Json): 'whole' | readonly Addition[] {
  switch (at.managed.kind) {
    case 'object':
      return matchFields(at, at.managed, recorded);
    case 'terms':
      return matchTerms(at, at.managed, recorded);
    case 'elements':
      return matchElements(at, at.managed, recorded);
    case 'value':
      return at.managed.isManaged(recorded) && jsonEqual(at.value, recorded) ? 'whole' : [];
  }
}

type ManagedPathOf<K extends ManagedPath['kind']> = Extract<ManagedPath, { kind: K }>;

function matchFields(
  { value, path }: Position,
  managed: ManagedPathOf<'object'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonObject(value) || !isJsonObject(recorded)) return [];
  const parts: MatchedPart[] = [];
  for (const key of Object.keys(recorded)) {
    const child = getManagedField(managed, key);
    const present = fieldAt(value, key);
    const was = recorded[key];
    if (child === undefined || present === undefined || was === undefined) continue;
    const childPath = path + pointer(key);
    parts.push({
      path: childPath,
      value: present,
      found: matchValue({ managed: child, value: present, path: childPath }, was),
    });
  }
  return combineParts(parts, Object.keys(value).length);
}

/**
 * Matches the terms by their positions. If the number of terms changed, returns none, because the positions are then
 * unknown.
 */
function matchTerms(
  { value, path }: Position,
  managed: ManagedPathOf<'terms'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonArray(value) || !isJsonArray(recorded) || value.length !== recorded.length) return [];
  const parts: MatchedPart[] = [];
  for (const [index, was] of recorded.entries()) {
    const present = value[index];
    if (present === undefined) continue;
    const childPath = path + pointer(index);
    parts.push({
      path: childPath,
      value: present,
      found: matchValue({ managed: managed.term, value: present, path: childPath }, was),
    });
  }
  return combineParts(parts.toReversed(), value.length);
}

function matchElements(
  { value, path }: Position,
  managed: ManagedPathOf<'elements'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonArray(value) || !isJsonArray(recorded)) return [];
  let rest = value;
  const found: Addition[] = [];
  for (const [index, was] of [...recorded.entries()].toReversed()) {
    const [one] = matchElement(managed, rest, path, was, index);
    if (one === undefined) continue;
    found.push(one);
    rest = rest.toSpliced(Number(one.path.slice(path.length + 1)), 1);
  }
  return rest.length === 0 && found.length > 0 ? 'whole' : found;
}

interface MatchedPart {
  readonly path: string;
  readonly value: Json;
  readonly found: 'whole' | readonly Addition[];
}

/**
 * Returns `'whole'` if every part of the value is matched as a whole. A value that also has other parts is kept, and
 * only its matched parts are removed.
 */
function combineParts(parts: readonly MatchedPart[], size: number): 'whole' | readonly Addition[] {
  if (size > 0 && parts.length === size && parts.every(({ found }) => found === 'whole')) return 'whole';
  return parts.flatMap(({ path, value, found }) => (found === 'whole' ? [{ path, value }] : found));
}

/** Returns the recorded element. If it is not at its recorded position, searches the whole list for it. */
function matchElement(
  { isManaged }: ManagedPathOf<'elements'>,
  list: readonly Json[],
  path: string,
  recorded: Json,
  position: number,
): readonly Addition[] {
  if (!isManaged(recorded)) return [];
  const here = list[position];
  const index =
    here !== undefined && jsonEqual(here, recorded) ? position : list.findIndex((one) => jsonEqual(one, recorded));
  const value = list[index];
  return value === undefined ? [] : [{ path: path + pointer(index), value }];
}

function getManagedField({ fields }: ManagedPathOf<'object'>, key: string): ManagedPath | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function fieldAt(value: Json, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function termAt(value: Json, token: string, terms: number | undefined): Json | undefined {
  return isJsonArray(value) && value.length === terms ? value[Number(token)] : undefined;
}
