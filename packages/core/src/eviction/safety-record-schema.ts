import { z } from 'zod';
import { BRAKE_WINDOW_MS } from './brake.ts';
import { MAX_BYPASSES, SLOT_HELD_AFTER_RUN_MS, SLOT_HELD_FROM_ZERO_MS, SLOT_HELD_MS } from './slot-limits.ts';

/** The format of the record. A record of another version is unreadable. */
export const RECORD_VERSION = 1;
/** Maximum length of an owner's key and of any other name in the record, as JSON. */
export const MAX_NAME_LENGTH = 640;
/** Maximum length of a list in the record. The maximum size of the record is reached earlier. */
export const MAX_ENTRIES = 2_000;
/** Maximum age of an entry, and how long the trial of a pause may be overdue. Older times are recorded as this one. */
export const MAX_AGE_MS = 7 * 24 * 60 * 60_000;
export const MAX_HELD_MS = Math.max(SLOT_HELD_AFTER_RUN_MS, SLOT_HELD_FROM_ZERO_MS);
/** Maximum time until a bucket of the pace is full. */
export const MAX_LEVEL_MS = 60_000;
/** Maximum number of owners that the cause of a pause of all evictions names. */
export const MAX_CAUSE_OWNERS = 20;

const name = z.string().min(1).max(MAX_NAME_LENGTH);
const age = z.int().min(0).max(MAX_AGE_MS);
const count = z.int().min(0).max(100_000);

const pause = {
  trialInMs: z.int().min(-MAX_AGE_MS).max(BRAKE_WINDOW_MS),
  trial: z.object({ pod: name, owner: name, ageMs: age }).optional(),
};

const slot = z.object({
  pod: name,
  owner: name,
  state: z.enum(['awaited', 'failed']),
  hasRun: z.boolean(),
  bypasses: z.int().min(1).max(MAX_BYPASSES).optional(),
  ageMs: age,
  heldForMs: z.int().min(0).max(MAX_HELD_MS),
});

const brake = z.object({
  all: z
    .object({ ...pause, violations: count, owners: z.array(name).max(MAX_CAUSE_OWNERS), namespaces: count })
    .optional(),
  owners: z.array(z.object({ owner: name, isBroken: z.boolean(), ...pause })).max(MAX_ENTRIES),
  violations: z.array(z.object({ pod: name, owner: name, namespace: name, ageMs: age })).max(MAX_ENTRIES),
});

const level = z.int().min(0).max(MAX_LEVEL_MS);

/** A list instead of an object, because any name of a policy can then be a value. */
const pace = z.object({
  cluster: level,
  policies: z.array(z.object({ policy: name, fullInMs: level })).max(MAX_ENTRIES),
});

/** The record as JSON. Fields of later minor changes are ignored. */
export const recordSchema = z.object({
  version: z.literal(RECORD_VERSION),
  /** The only time in the record: all others are durations relative to it. */
  writtenAt: z.string().max(30),
  /** The replica that wrote the record. */
  writer: name,
  oneSlotForMs: z.int().min(0).max(SLOT_HELD_MS),
  brake,
  pace,
  slots: z.array(slot).max(MAX_ENTRIES),
});
