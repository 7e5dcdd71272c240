import { describe, expect, test } from '@jest/globals';
import type { Constrain, Deny, Leave } from '../placement/decision.ts';
import { liftEvent, refusedEvent, waitEvent } from './explain.ts';
import type { GateEvent, LiftedPod } from './explain.ts';

const unresolved = [{ image: 'registry.corp/web:v1', reason: 'Unavailable' }] as const;
const leave: Leave = { kind: 'leave', reason: 'Unresolved', policy: 'default', unresolved, warnings: [] };
const constrain: Constrain = {
  kind: 'constrain',
  reason: 'ImagesSupport',
  policy: 'default',
  unresolved: [],
  warnings: [],
  architectures: ['arm64'],
  requirements: [],
  preferred: [],
  tolerated: [],
};
const deny: Deny = { kind: 'deny', reason: 'NoCommonArchitecture', policy: 'default', unresolved: [], warnings: [] };
const lifted: LiftedPod = { decision: constrain, timedOut: false, contradicted: false, level: 'full', refused: false };

type Case = readonly [why: string, lifted: LiftedPod, expected: GateEvent['reason'] | undefined, note: RegExp];

const cases: readonly Case[] = [
  ['no event after a complete patch', lifted, undefined, /^$/],
  ['no event when the requirements passed', { ...lifted, level: 'requirements', refused: true }, undefined, /^$/],
  ['only the gate removed', { ...lifted, level: 'gate', refused: true }, 'LiftRefused', /refused every patch/],
  ['only the gate removed, with nothing else to add', { ...lifted, level: 'gate' }, undefined, /^$/],
  ['contradicted', { ...lifted, contradicted: true }, 'RequirementsContradicted', /nothing was added/],
  [
    'timed out, unconstrained',
    { ...lifted, decision: leave, timedOut: true },
    'GateTimedOut',
    /registry\.corp\/web:v1: Unavailable\): not constrained$/,
  ],
  [
    'timed out, fallback',
    { ...lifted, decision: { ...constrain, reason: 'Fallback', unresolved }, timedOut: true },
    'GateTimedOut',
    /: constrained to the policy's fallback architecture arm64$/,
  ],
  [
    'timed out, fallback as a preference',
    {
      ...lifted,
      decision: {
        ...constrain,
        reason: 'Fallback',
        architectures: [],
        preferred: [{ architecture: 's390x', weight: 100 }],
        unresolved,
      },
      timedOut: true,
    },
    'GateTimedOut',
    /: preferred is the policy's fallback architecture s390x$/,
  ],
  [
    'timed out, partly known',
    { ...lifted, decision: { ...constrain, reason: 'PartlyKnown', unresolved }, timedOut: true },
    'GateTimedOut',
    /constrained to what the other images support$/,
  ],
  ['too late to deny', { ...lifted, decision: deny }, 'NoCommonArchitecture', /is not constrained$/],
  [
    'warnings',
    { ...lifted, decision: { ...leave, warnings: [{ kind: 'Unresolved', image: 'web', reason: 'NotFound' }] } },
    'Unresolved',
    /^archpolicy: platforms not known \(NotFound\): web$/,
  ],
];

describe('PL12 the events about a gated pod', () => {
  test.each(cases)('%s', (_, pod, reason, note) => {
    const event = liftEvent(pod);
    expect(event?.reason).toBe(reason);
    expect(event?.note ?? '').toMatch(note);
  });

  test('PL12 a timeout without a constraint is a warning, a fallback is not', () => {
    const timedOut = { ...lifted, timedOut: true };
    expect(liftEvent({ ...timedOut, decision: leave })?.type).toBe('Warning');
    expect(liftEvent({ ...timedOut, decision: { ...constrain, reason: 'Fallback' } })?.type).toBe('Normal');
  });

  test('PL12 the event while the pod waits', () => {
    expect(waitEvent(unresolved, 12_345)).toEqual({
      type: 'Normal',
      reason: 'Inspecting',
      note: 'Not scheduled until its images are inspected, for 13 s at most: registry.corp/web:v1: Unavailable',
    });
  });

  test('PL12 an image name is reduced to the characters of references', () => {
    const image = `${'a'.repeat(2_000)}\n\u001b[31m<script>`;
    const { note } = waitEvent([{ image, reason: 'Deadline' }], 1);
    expect(note).toMatch(/^[\x20-\x7e]{0,400}$/);
  });

  test('PL12 the event when the gate cannot be removed', () => {
    expect(refusedEvent(403)).toMatchObject({ type: 'Warning', reason: 'LiftRefused' });
    expect(refusedEvent(403).note).toMatch(/\(403\)/);
  });
});
