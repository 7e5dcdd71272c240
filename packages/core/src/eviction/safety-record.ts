import { isJsonObject } from '../json/json.ts';
import { parseTimestampMs } from '../kubernetes/timestamp.ts';
import { parseJson } from '../parsing/parse-json.ts';
import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { BRAKE_WINDOW_MS } from './brake.ts';
import type { PaceLevels } from './pace.ts';
import { compareText, inFairOrder } from './fair-order.ts';
import {
  MAX_AGE_MS,
  MAX_CAUSE_OWNERS,
  MAX_HELD_MS,
  MAX_LEVEL_MS,
  MAX_NAME_LENGTH,
  RECORD_VERSION,
  recordSchema,
} from './safety-record-schema.ts';
import { SLOT_HELD_MS } from './slot-limits.ts';
import type {
  BrakeSnapshot,
  OwnerPauseState,
  PauseState,
  SafetyState,
  SlotState,
  ViolationState,
} from './safety-state.ts';

/** Maximum size of the record, bytes. The API server accepts ConfigMaps of up to 1 MiB. */
export const MAX_RECORD_BYTES = 100 * 1024;
/** The parts of the record that pauses of owners, and that violations, may use. */
const MAX_PAUSES_BYTES = 25 * 1024;
const MAX_VIOLATIONS_BYTES = 15 * 1024;
/** The part of the record that the levels of policies may use. */
const MAX_PACE_BYTES = 10 * 1024;
/** Space for the commas and the fields outside the lists. */
const RESERVED_BYTES = 1024;

/** The state of a leader's limits and brake, as it is stored for the next leader. */
export interface SafetyRecord {
  /** A time in the format of RFC 3339. */
  readonly writtenAt: string;
  /** The replica that wrote the record. */
  readonly writer: string;
  readonly state: SafetyState;
}

/** A record that was read. */
export interface ParsedSafetyRecord extends SafetyRecord {
  /** `writtenAt`, epoch milliseconds. */
  readonly writtenAtMs: number;
}

/**
 * Encodes a record as JSON in ASCII, of at most {@link MAX_RECORD_BYTES}. If the state is larger, these entries are omitted, so that the
 * same state always results in the same record: first the second and third slots of an owner, then slots that expire early, pauses
 * whose trial is due early, old violations, and levels of buckets that are nearly full. Of each list, namespaces get equal shares. If an entry is omitted, the next leader
 * begins with one slot per owner. The pause of all evictions is never omitted.
 */
export function encodeSafetyRecord({ writtenAt, writer, state }: SafetyRecord): string {
  const { brake, oneSlotForMs } = state;
  const all = brake.all === undefined ? undefined : toFullPause(brake.all);
  const owners = select(orderPauses(brake.owners).map(boundOwnerPause), MAX_PAUSES_BYTES);
  const violations = select(orderViolations(brake.violations).map(boundViolation), MAX_VIOLATIONS_BYTES);
  const levels = select(orderLevels(state.pace), MAX_PACE_BYTES);
  const fixed = { writer: isName(writer) ? writer : 'unknown', brake: { all } };
  const used = [toAscii(fixed).length, owners.bytes, violations.bytes, levels.bytes, RESERVED_BYTES];
  const slots = select(orderSlots(state.slots).map(boundSlot), MAX_RECORD_BYTES - sum(used));
  const omitted = [owners, violations, levels, slots].some((list) => list.omitted);
  return toAscii({
    version: RECORD_VERSION,
    writtenAt,
    writer: fixed.writer,
    oneSlotForMs: omitted ? SLOT_HELD_MS : clamp(Math.ceil(oneSlotForMs), 0, SLOT_HELD_MS),
    brake: { all, owners: owners.items, violations: [...violations.items].reverse() },
    pace: { cluster: toLevel(state.pace.cluster ?? 0), policies: levels.items },
    slots: slots.items,
  });
}

/** Parses a record. A failure contains no text of the record. */
export function parseSafetyRecord(text: string): Result<ParsedSafetyRecord, string> {
  if (text.length > MAX_RECORD_BYTES) return failed(`it is larger than ${MAX_RECORD_BYTES} bytes`);
  const json = parseJson(text);
  if (json.kind === 'failed') return failed(`it is not JSON: ${json.failure}`);
  const version = isJsonObject(json.value) ? json.value['version'] : undefined;
  if (version !== RECORD_VERSION) return failed(`its version is not ${RECORD_VERSION}`);
  const parsed = recordSchema.safeParse(json.value);
  if (!parsed.success) return failed(`its field ${parsed.error.issues[0]?.path.join('.') ?? ''} is invalid`);
  const { writtenAt, writer, oneSlotForMs, slots, brake, pace } = parsed.data;
  const policies = Object.fromEntries(pace.policies.map(({ policy, fullInMs }) => [policy, fullInMs]));
  const state = {
    ...{ oneSlotForMs, slots, pace: { cluster: pace.cluster, policies } },
    brake: { ...brake, violations: byAge(brake.violations) },
  };
  const writtenAtMs = parseTimestampMs(writtenAt);
  if (writtenAtMs === undefined) return failed('its field writtenAt is invalid');
  return ok({ writtenAt, writtenAtMs, writer, state });
}

/**
 * Returns how much time has passed since the record was written. A record from the future, after a step of a clock, counts as written
 * now. So a step back delays evictions at most until they would have been allowed anyway.
 */
export function recordAgeMs({ writtenAtMs }: Pick<ParsedSafetyRecord, 'writtenAtMs'>, nowMs: number): number {
  return Math.max(0, nowMs - writtenAtMs);
}

/** Returns the state of a new leader that cannot read the record, if the statuses show that the brake stopped evictions. */
export function stoppedState(): SafetyState {
  const all = { trialInMs: BRAKE_WINDOW_MS, violations: 0, owners: [], namespaces: 0 };
  return { oneSlotForMs: SLOT_HELD_MS, slots: [], brake: { all, owners: [], violations: [] }, pace: { policies: {} } };
}

/** The slot that an owner holds for longest comes before its other slots. */
function orderSlots(slots: readonly SlotState[]): readonly SlotState[] {
  const longest = [...slots].sort((one, other) => other.heldForMs - one.heldForMs || compareText(one.pod, other.pod));
  const owners = new Set<string>();
  const first: SlotState[] = [];
  const others: SlotState[] = [];
  for (const slot of longest) {
    (owners.has(slot.owner) ? others : first).push(slot);
    owners.add(slot.owner);
  }
  return [...inFairOrder(first, getNamespace), ...inFairOrder(others, getNamespace)];
}

function orderPauses(pauses: readonly OwnerPauseState[]): readonly OwnerPauseState[] {
  const latest = [...pauses].sort(
    (one, other) => other.trialInMs - one.trialInMs || compareText(one.owner, other.owner),
  );
  return inFairOrder(latest, getNamespace);
}

function orderViolations(violations: readonly ViolationState[]): readonly ViolationState[] {
  const newest = [...violations].sort((one, other) => one.ageMs - other.ageMs || compareText(one.pod, other.pod));
  return inFairOrder(newest, ({ namespace }) => namespace);
}

/** The emptiest buckets come first. */
function orderLevels({ policies }: PaceLevels): readonly { readonly policy: string; readonly fullInMs: number }[] {
  return Object.entries(policies)
    .map(([policy, ms]) => ({ policy, fullInMs: toLevel(ms) }))
    .sort((one, other) => other.fullInMs - one.fullInMs || compareText(one.policy, other.policy));
}

function byAge(violations: readonly ViolationState[]): readonly ViolationState[] {
  return [...violations].sort((one, other) => other.ageMs - one.ageMs);
}

/** Returns the namespace of an owner's key, `namespace/kind/name`. */
function getNamespace({ owner }: { readonly owner: string }): string {
  return owner.slice(0, Math.max(0, owner.indexOf('/')));
}

function boundSlot(slot: SlotState): SlotState {
  return { ...slot, ageMs: toAge(slot.ageMs), heldForMs: clamp(Math.ceil(slot.heldForMs), 0, MAX_HELD_MS) };
}

function boundViolation(violation: ViolationState): ViolationState {
  return { ...violation, ageMs: toAge(violation.ageMs) };
}

function boundOwnerPause(pause: OwnerPauseState): OwnerPauseState {
  return { owner: pause.owner, isBroken: pause.isBroken, ...boundPause(pause) };
}

function toFullPause(pause: NonNullable<BrakeSnapshot['all']>): NonNullable<BrakeSnapshot['all']> {
  const owners = pause.owners.filter((owner) => isName(owner)).slice(0, MAX_CAUSE_OWNERS);
  const { violations, namespaces } = pause;
  return { ...boundPause(pause), violations, owners, namespaces };
}

/** A trial whose names are too long is omitted: then another trial is allowed. */
function boundPause({ trialInMs, trial }: PauseState): PauseState {
  const bounded = { trialInMs: clamp(Math.ceil(trialInMs), -MAX_AGE_MS, BRAKE_WINDOW_MS) };
  if (trial === undefined || !isName(trial.pod) || !isName(trial.owner)) return bounded;
  return { ...bounded, trial: { ...trial, ageMs: toAge(trial.ageMs) } };
}

/** Selects items in order until the next one would exceed the limit. Omits items with names that are too long. */
function select<T extends object>(items: readonly T[], maxBytes: number): Selection<T> {
  const selected: T[] = [];
  let bytes = 0;
  let omitted = false;
  for (const item of items) {
    if (!Object.values(item).every((value) => typeof value !== 'string' || isName(value))) {
      omitted = true;
      continue;
    }
    const size = toAscii(item).length + 1;
    if (bytes + size > maxBytes) return { items: selected, bytes, omitted: true };
    selected.push(item);
    bytes += size;
  }
  return { items: selected, bytes, omitted };
}

interface Selection<T> {
  readonly items: readonly T[];
  readonly bytes: number;
  readonly omitted: boolean;
}

function isName(text: string): boolean {
  return text !== '' && toAscii(text).length <= MAX_NAME_LENGTH;
}

/** Encodes as JSON with escapes for all characters outside ASCII, so that the length of the text is its size in bytes. */
function toAscii(value: unknown): string {
  return JSON.stringify(value).replace(/[\u{7f}-\u{10ffff}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function toLevel(ms: number): number {
  return clamp(Math.ceil(ms), 0, MAX_LEVEL_MS);
}

function toAge(ageMs: number): number {
  return clamp(Math.floor(ageMs), 0, MAX_AGE_MS);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
