import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BRAKE_WINDOW_MS } from './brake.ts';
import { SLOT_HELD_AFTER_RUN_MS, SLOT_HELD_MS } from './slot-limits.ts';
import { encodeSafetyRecord, MAX_RECORD_BYTES, parseSafetyRecord, recordAgeMs, stoppedState } from './safety-record.ts';
import type { ParsedSafetyRecord } from './safety-record.ts';
import type { SafetyState, SlotState } from './safety-state.ts';

const WRITTEN_AT = '2026-03-01T12:00:00.000Z';
const WRITTEN = Date.parse(WRITTEN_AT);

const name = fc.oneof(
  fc.stringMatching(/^[a-z]{1,5}\/Deployment\/[a-z]{1,8}$/u),
  fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
);
const age = fc.nat(2 * SLOT_HELD_AFTER_RUN_MS);
const trial = fc.record({ pod: name, owner: name, ageMs: age });
const pause = {
  trialInMs: fc.integer({ min: -3_600_000, max: BRAKE_WINDOW_MS }),
  trial: fc.option(trial, { nil: undefined }),
};
const slot: fc.Arbitrary<SlotState> = fc.record({
  ...{ pod: name, owner: name, hasRun: fc.boolean(), ageMs: age },
  state: fc.constantFrom('awaited', 'failed'),
  heldForMs: fc.nat(SLOT_HELD_AFTER_RUN_MS),
});
const states = (size: fc.SizeForArbitrary, maxLength: number): fc.Arbitrary<SafetyState> =>
  fc.record({
    oneSlotForMs: fc.nat(SLOT_HELD_MS),
    slots: fc.array(slot, { size, maxLength }),
    pace: fc.record({
      cluster: fc.nat(60_000),
      policies: fc.dictionary(name, fc.nat(60_000), { size, maxKeys: maxLength }),
    }),
    brake: fc.record({
      all: fc.option(
        fc.record({
          ...{ ...pause, violations: fc.nat(1_000), namespaces: fc.nat(1_000) },
          owners: fc.array(name, { maxLength: 20 }),
        }),
        { nil: undefined },
      ),
      owners: fc.array(fc.record({ owner: name, isBroken: fc.boolean(), ...pause }), { size, maxLength }),
      violations: fc.array(fc.record({ pod: name, owner: name, namespace: name, ageMs: age }), { size, maxLength }),
    }),
  });

function encode(state: SafetyState): string {
  return encodeSafetyRecord({ writtenAt: WRITTEN_AT, writer: 'archpolicy-operator-1', state });
}

function parse(text: string): ParsedSafetyRecord {
  const parsed = parseSafetyRecord(text);
  if (parsed.kind === 'failed') throw new Error(parsed.failure);
  return parsed.value;
}

function slotOf(namespace: string, index: number, changes: Partial<SlotState> = {}): SlotState {
  const owner = `${namespace}/Deployment/workload-${index}`;
  return {
    ...{ pod: `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`, owner },
    ...{ state: 'awaited', hasRun: false, ageMs: 0, heldForMs: 600_000, ...changes },
  };
}

const NO_PAUSES: SafetyState['brake'] = { owners: [], violations: [] };
const EMPTY: SafetyState = { oneSlotForMs: 0, slots: [], brake: NO_PAUSES, pace: { policies: {} } };

describe('the record of evictions', () => {
  test('R6 R7 a state that fits is read as it was written', () => {
    fc.assert(
      fc.property(states('small', 10), (state) => {
        const { state: read, writtenAtMs, writer } = parse(encode(state));
        expect([writtenAtMs, writer]).toEqual([WRITTEN, 'archpolicy-operator-1']);
        expect(read.oneSlotForMs).toBe(state.oneSlotForMs);
        expect(new Set(read.slots)).toEqual(new Set(state.slots));
        expect(new Set(read.brake.owners)).toEqual(new Set(state.brake.owners));
        expect(new Set(read.brake.violations)).toEqual(new Set(state.brake.violations));
        expect(read.brake.all).toEqual(state.brake.all);
        expect(read.pace).toEqual(state.pace);
      }),
      { numRuns: 60 },
    );
  });

  test('R6 R7 any state is written in at most 100 KiB of ASCII, which can be read, and keeps the pause of all evictions', () => {
    fc.assert(
      fc.property(states('max', 1_000), (state) => {
        const text = encode(state);
        expect(text.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
        expect(Buffer.byteLength(text)).toBe(text.length);
        const read = parse(text).state;
        expect(read.brake.all?.trialInMs).toBe(state.brake.all?.trialInMs);
        const isComplete =
          read.slots.length === state.slots.length &&
          read.brake.owners.length === state.brake.owners.length &&
          read.brake.violations.length === state.brake.violations.length &&
          Object.keys(read.pace.policies).length === Object.keys(state.pace.policies).length;
        expect(read.oneSlotForMs).toBe(isComplete ? state.oneSlotForMs : SLOT_HELD_MS);
      }),
      { numRuns: 4 },
    );
  });

  test('R6 when the record is full, the second and third slots of owners are omitted first', () => {
    const owners = Array.from({ length: 500 }, (_, index) => slotOf('shop', index));
    const further = owners.map((slot) => ({ ...slot, pod: `${slot.pod}-2`, heldForMs: slot.heldForMs - 1 }));
    const { slots, oneSlotForMs } = parse(encode({ ...EMPTY, slots: [...further, ...owners] })).state;
    expect(slots.filter(({ pod }) => !pod.endsWith('-2'))).toHaveLength(500);
    expect(slots.length).toBeLessThan(1_000);
    expect(oneSlotForMs).toBe(SLOT_HELD_MS);
  });

  test('R6 when the record is full, a namespace with many slots loses its own, in the order of their expiry', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => slotOf('greedy', index, { heldForMs: 600_000 + index }));
    const few = Array.from({ length: 5 }, (_, index) => slotOf('shop', index, { heldForMs: 1_000 }));
    const { slots } = parse(encode({ ...EMPTY, slots: [...many, ...few] })).state;
    expect(slots.filter(({ owner }) => owner.startsWith('shop/'))).toHaveLength(5);
    const held = slots.filter(({ owner }) => owner.startsWith('greedy/')).map(({ heldForMs }) => heldForMs);
    expect(Math.max(...held)).toBe(600_000 + 1_999);
    expect(Math.min(...held)).toBe(600_000 + 2_000 - held.length);
  });

  test('R7 when the record is full, a namespace with many pauses of owners loses its own', () => {
    const owner = (namespace: string, index: number) => ({
      owner: `${namespace}/Deployment/${index}`,
      ...{ isBroken: true, trialInMs: 600_000 - index },
    });
    const many = Array.from({ length: 2_000 }, (_, index) => owner('greedy', index));
    const { brake } = parse(
      encode({ ...EMPTY, brake: { owners: [...many, owner('shop', 99)], violations: [] } }),
    ).state;
    expect(brake.owners.map((pause) => pause.owner)).toContain('shop/Deployment/99');
    expect(brake.owners.map((pause) => pause.owner)).toContain('greedy/Deployment/0');
  });

  test('R6 the same state results in the same record, in any order of its slots', () => {
    const slots = Array.from({ length: 700 }, (_, index) => slotOf(`n${index % 7}`, index));
    const forward = encode({ ...EMPTY, slots });
    expect(encode({ ...EMPTY, slots: [...slots].reverse() })).toBe(forward);
  });

  test('R7 the state of a leader without a record, after the brake had stopped evictions, can be written', () => {
    expect(parse(encode(stoppedState())).state).toMatchObject(stoppedState());
  });
});

describe('a record that cannot be read', () => {
  const valid = encode({ ...EMPTY, slots: [slotOf('shop', 1)] });
  const changed = (changes: object): string => JSON.stringify({ ...(JSON.parse(valid) as object), ...changes });

  test.each<[string, string, string]>([
    ['empty', '', 'it is not JSON: syntax error'],
    ['cut', valid.slice(0, -1), 'it is not JSON: syntax error'],
    ['not an object', '[]', 'its version is not 1'],
    ['null', 'null', 'its version is not 1'],
    ['a later version', changed({ version: 2 }), 'its version is not 1'],
    ['a version of another type', changed({ version: '1' }), 'its version is not 1'],
    ['too large', `${valid}${' '.repeat(MAX_RECORD_BYTES)}`, 'it is larger than 102400 bytes'],
    ['without a time', changed({ writtenAt: 'yesterday' }), 'its field writtenAt is invalid'],
    [
      'a time that does not exist',
      changed({ writtenAt: '2026-02-30T00:00:00.000Z' }),
      'its field writtenAt is invalid',
    ],
    ['without slots', changed({ slots: undefined }), 'its field slots is invalid'],
    [
      'a slot that is held forever',
      changed({ slots: [slotOf('shop', 1, { heldForMs: 10 ** 12 })] }),
      'its field slots.0.heldForMs is invalid',
    ],
    ['a negative age', changed({ slots: [slotOf('shop', 1, { ageMs: -1 })] }), 'its field slots.0.ageMs is invalid'],
    ['a fraction', changed({ slots: [slotOf('shop', 1, { ageMs: 0.5 })] }), 'its field slots.0.ageMs is invalid'],
    [
      'a pause that never ends',
      changed({ brake: { ...NO_PAUSES, all: { trialInMs: 10 ** 9, violations: 5, owners: [], namespaces: 2 } } }),
      'its field brake.all.trialInMs is invalid',
    ],
    [
      'a bucket that is full only after an hour',
      changed({ pace: { cluster: 0, policies: [{ policy: 'default', fullInMs: 3_600_000 }] } }),
      'its field pace.policies.0.fullInMs is invalid',
    ],
    ['a long name', changed({ writer: 'x'.repeat(641) }), 'its field writer is invalid'],
    ['deep nesting', '['.repeat(100_000), 'it is not JSON: syntax error'],
  ])('R6 R7 %s', (_, text, failure) => {
    expect(parseSafetyRecord(text)).toMatchObject({ kind: 'failed', failure: expect.stringContaining(failure) });
  });

  test('R6 R7 any JSON is read or rejected, without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('slots', 'brake', 'oneSlotForMs', 'writtenAt'), (value, field) => {
        for (const text of [JSON.stringify(value), changed({ [field]: value })]) {
          const parsed = parseSafetyRecord(text);
          if (parsed.kind === 'ok') expect(encode(parsed.value.state).length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
        }
      }),
    );
  });

  test('R6 R7 unknown fields are ignored, so that a later minor version can add some', () => {
    expect(parse(changed({ later: { x: 1 } })).state.slots).toHaveLength(1);
  });
});

test.each([
  ['written a minute ago', 60_000, 60_000],
  ['written now', 0, 0],
  ['from the future, after a step of the clock', -3_600_000, 0],
])('R6 R7 the age of a record: %s', (_, passedMs, expected) => {
  expect(recordAgeMs({ writtenAtMs: WRITTEN }, WRITTEN + passedMs)).toBe(expected);
});
