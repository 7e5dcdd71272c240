import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { isJsonArray } from '../json/read.ts';
import { readOwner } from '../kubernetes/owner.ts';
import type { Addition } from './additions.ts';
import { applyPatch, jsonEqual, pointer, pointerTokens } from './json-patch.ts';
import type { ManagedPath } from './managed-paths.ts';
import { managedPaths } from './managed-paths.ts';

/** What we once added, as recorded in the pod's annotation. */
export interface Recorded {
  readonly added: readonly Addition[];
  /** How many required terms the pod had then; absent when none were touched. */
  readonly terms?: number;
}

/** A pod without what we once added. */
export interface Reverted {
  readonly pod: JsonObject;
  /** What was removed, in the order of the removals: a path holds in the state that those before it left. */
  readonly removed: readonly Addition[];
}

/**
 * PL2: takes our own additions out of a pod, each one only if it still stands there verbatim and looks like ours. Those
 * added last go first, so that the recorded positions hold. What others have put into the parents that we created stays,
 * and its parents with it.
 */
export function revert(pod: JsonObject, { added, terms }: Recorded, copiedKeys: readonly string[]): Reverted {
  const root = managedPaths(copiedKeys, readOwner(pod) === undefined);
  let current: Json = pod;
  const removed: Addition[] = [];
  for (const addition of added.toReversed()) {
    const tokens = pointerTokens(addition.path);
    const found =
      tokens === undefined ? [] : walk({ managed: root, value: current, path: '', terms }, tokens, addition.value);
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

/** What is to be removed at the place that the tokens lead to; nothing where they lead nowhere of ours. */
function walk(at: Position, tokens: readonly string[], recorded: Json): readonly Addition[] {
  const [token, ...rest] = tokens;
  if (token === undefined) {
    const found = matched(at, recorded);
    return found === 'whole' ? [{ path: at.path, value: at.value }] : found;
  }
  const { managed, value } = at;
  if (managed.kind === 'elements') {
    return rest.length === 0 && isJsonArray(value) ? oneElement(managed, value, at.path, recorded, Number(token)) : [];
  }
  if (managed.kind === 'value') return [];
  const child = managed.kind === 'object' ? fieldOf(managed, token) : managed.term;
  const next = managed.kind === 'object' ? fieldAt(value, token) : termAt(value, token, at.terms);
  if (child === undefined || next === undefined) return [];
  return walk({ managed: child, value: next, path: at.path + pointer(token), terms: at.terms }, rest, recorded);
}

/** Which parts of a value are the recorded ones: all of it, or some (in the order of their removal). */
function matched(at: Position, recorded: Json): 'whole' | readonly Addition[] {
  switch (at.managed.kind) {
    case 'object':
      return matchedFields(at, at.managed, recorded);
    case 'terms':
      return matchedTerms(at, at.managed, recorded);
    case 'elements':
      return matchedElements(at, at.managed, recorded);
    case 'value':
      return at.managed.isOurs(recorded) && jsonEqual(at.value, recorded) ? 'whole' : [];
  }
}

type ManagedPathOf<K extends ManagedPath['kind']> = Extract<ManagedPath, { kind: K }>;

function matchedFields(
  { value, path }: Position,
  managed: ManagedPathOf<'object'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonObject(value) || !isJsonObject(recorded)) return [];
  const parts: Part[] = [];
  for (const key of Object.keys(recorded)) {
    const child = fieldOf(managed, key);
    const present = fieldAt(value, key);
    const was = recorded[key];
    if (child === undefined || present === undefined || was === undefined) continue;
    const childPath = path + pointer(key);
    parts.push({
      path: childPath,
      value: present,
      found: matched({ managed: child, value: present, path: childPath }, was),
    });
  }
  return whole(parts, Object.keys(value).length);
}

/** Where terms came or went, none of them is known to be the one that we added to. */
function matchedTerms(
  { value, path }: Position,
  managed: ManagedPathOf<'terms'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonArray(value) || !isJsonArray(recorded) || value.length !== recorded.length) return [];
  const parts: Part[] = [];
  for (const [index, was] of recorded.entries()) {
    const present = value[index];
    if (present === undefined) continue;
    const childPath = path + pointer(index);
    parts.push({
      path: childPath,
      value: present,
      found: matched({ managed: managed.term, value: present, path: childPath }, was),
    });
  }
  return whole(parts.toReversed(), value.length);
}

function matchedElements(
  { value, path }: Position,
  managed: ManagedPathOf<'elements'>,
  recorded: Json,
): 'whole' | readonly Addition[] {
  if (!isJsonArray(value) || !isJsonArray(recorded)) return [];
  let rest = value;
  const found: Addition[] = [];
  for (const [index, was] of [...recorded.entries()].toReversed()) {
    const [one] = oneElement(managed, rest, path, was, index);
    if (one === undefined) continue;
    found.push(one);
    rest = rest.toSpliced(Number(one.path.slice(path.length + 1)), 1);
  }
  return rest.length === 0 && found.length > 0 ? 'whole' : found;
}

interface Part {
  readonly path: string;
  readonly value: Json;
  readonly found: 'whole' | readonly Addition[];
}

/** A value is ours as a whole when every part of it is; parents that hold more than ours stay. */
function whole(parts: readonly Part[], size: number): 'whole' | readonly Addition[] {
  if (size > 0 && parts.length === size && parts.every(({ found }) => found === 'whole')) return 'whole';
  return parts.flatMap(({ path, value, found }) => (found === 'whole' ? [{ path, value }] : found));
}

/** The element at its recorded position, or wherever it has been moved to in its list. */
function oneElement(
  { isOurs }: ManagedPathOf<'elements'>,
  list: readonly Json[],
  path: string,
  recorded: Json,
  position: number,
): readonly Addition[] {
  if (!isOurs(recorded)) return [];
  const here = list[position];
  const index =
    here !== undefined && jsonEqual(here, recorded) ? position : list.findIndex((one) => jsonEqual(one, recorded));
  const value = list[index];
  return value === undefined ? [] : [{ path: path + pointer(index), value }];
}

function fieldOf({ fields }: ManagedPathOf<'object'>, key: string): ManagedPath | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function fieldAt(value: Json, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function termAt(value: Json, token: string, terms: number | undefined): Json | undefined {
  return isJsonArray(value) && value.length === terms ? value[Number(token)] : undefined;
}
