import { describe, expect, test } from '@jest/globals';
import { EvictionBrake } from './brake.ts';
import type { BrakeState } from './brake.ts';

/**
 * Scripts for the brake, one step a line: minutes and seconds, an owner as `namespace/name`, and an event:
 *
 * - `violation`: one of its pods was placed where it must not be
 * - `evict`, `not accepted`, `right`: an eviction of it has started, was not accepted, its replacement landed right
 * - `broken`: its replacement has a broken image
 * - `asks → …`: whether another eviction of it is allowed, and if not, why and for how many seconds
 */
function play(story: string): { readonly transcript: string; readonly state: BrakeState } {
  const brake = new EvictionBrake();
  const transcript = lines(story).map((line, index) => playLine(brake, line, index));
  return { transcript: transcript.join('\n'), state: brake.state(parseTime(lines(story).at(-1) ?? '')) };
}

/** Runs one step. Returns its line with the actual answer. */
function playLine(brake: EvictionBrake, line: string, index: number): string {
  const [, time = '', owner = '', act = ''] = /^(\d+:\d\d) (\S+) ([a-z ]+)/.exec(line) ?? [];
  const step = STEPS[act.trim()];
  if (step === undefined) throw new Error(`not a step: ${line}`);
  const answer = step(brake, owner, parseTime(line), `pod-${index}`);
  return answer === undefined ? line : `${time} ${owner} asks → ${answer}`;
}

function parseTime(line: string): number {
  const [, minutes = '', seconds = ''] = /^(\d+):(\d\d)/.exec(line) ?? [];
  return (Number(minutes) * 60 + Number(seconds)) * 1_000;
}

type Step = (brake: EvictionBrake, owner: string, now: number, pod: string) => string | undefined;
/** The evicted pod of each owner is named after it. */
const STEPS: Readonly<Record<string, Step>> = {
  violation: (brake, owner, now, pod) => {
    brake.onViolation({ pod, owner, namespace: owner.split('/')[0] ?? '' }, now);
    return undefined;
  },
  'same violation': (brake, owner, now) => {
    brake.onViolation({ pod: 'the-same', owner, namespace: owner.split('/')[0] ?? '' }, now);
    return undefined;
  },
  evict: (brake, owner, now) => {
    brake.onEvictionStarted(owner, `evicted ${owner}`, now);
    return undefined;
  },
  'not accepted': (brake, owner) => {
    brake.onEvictionRejected(owner, `evicted ${owner}`);
    return undefined;
  },
  right: (brake, owner) => {
    brake.onLandedRight(owner);
    return undefined;
  },
  broken: (brake, owner, now) => {
    brake.onLandedBroken(owner, now);
    return undefined;
  },
  asks: (brake, owner, now, pod) => {
    const limit = brake.limit(owner, pod, now);
    return limit.kind === 'free' ? 'free' : `${limit.reason} ${(limit.untilMs - now) / 1_000}s`;
  },
};

function lines(story: string): readonly string[] {
  return story
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Five violations of three owners in two namespaces, the last one at 0:04. */
const PAUSED = `
  0:00 shop/web violation
  0:01 shop/api violation
  0:02 bank/web violation
  0:03 shop/web violation
  0:04 bank/web violation`;
/** Five violations of one owner, the last one at 0:04. */
const OWNER_PAUSED = `
  0:00 shop/web violation
  0:01 shop/web violation
  0:02 shop/web violation
  0:03 shop/web violation
  0:04 shop/web violation`;

describe('the brake', () => {
  test.each<[string, string]>([
    [
      'R7 four violations pause nothing',
      `0:00 shop/web violation
       0:01 shop/api violation
       0:02 bank/web violation
       0:03 bank/api violation
       0:04 shop/web asks → free`,
    ],
    [
      'R7 five of three owners in two namespaces pause all evictions, also of other owners',
      `${PAUSED}
       0:05 shop/web asks → EvictionsStopped 599s
       0:05 other/job asks → EvictionsStopped 599s`,
    ],
    [
      'R7 five of three owners in one namespace pause these owners',
      `0:00 shop/a violation
       0:01 shop/b violation
       0:02 shop/c violation
       0:03 shop/a violation
       0:04 shop/b violation
       0:05 shop/c asks → OwnerStopped 599s
       0:05 shop/d asks → free
       0:05 bank/a asks → free`,
    ],
    [
      'R7 five of two owners in two namespaces pause these owners',
      `0:00 shop/a violation
       0:01 shop/a violation
       0:02 shop/a violation
       0:03 bank/a violation
       0:04 bank/a violation
       0:05 shop/a asks → OwnerStopped 599s
       0:05 bank/a asks → OwnerStopped 599s
       0:05 bank/b asks → free`,
    ],
    [
      'R7 one more, of a third owner in a second namespace, pauses all evictions',
      `${OWNER_PAUSED}
       0:05 shop/api violation
       0:05 other/job asks → free
       0:06 bank/web violation
       0:06 other/job asks → EvictionsStopped 600s`,
    ],
    [
      'R7 violations older than ten minutes do not count',
      `0:00 shop/web violation
       0:01 shop/api violation
       0:02 bank/web violation
       0:03 shop/web violation
       10:00 bank/web violation
       10:00 shop/web asks → free
       10:00 shop/web violation
       10:00 shop/web asks → EvictionsStopped 600s`,
    ],
    [
      'R7 a pod counts once, however often it is evaluated',
      `0:00 shop/web same violation
       0:01 shop/web same violation
       0:02 shop/web same violation
       0:03 shop/web same violation
       0:04 shop/web same violation
       0:05 shop/web asks → free`,
    ],
    [
      'R7 after ten minutes one trial is allowed, and no second one at the same time',
      `${PAUSED}
       10:03 shop/web asks → EvictionsStopped 1s
       10:04 shop/web asks → free
       10:04 shop/web evict
       10:05 bank/web asks → EvictionsStopped 119s
       10:05 shop/web asks → EvictionsStopped 119s`,
    ],
    [
      'R7 the trial lands right: evictions resume, and earlier violations no longer count',
      `${PAUSED}
       10:04 other/job evict
       10:06 other/job right
       10:06 shop/web asks → free
       10:07 shop/web violation
       10:07 shop/web asks → free`,
    ],
    [
      'R7 the trial lands wrong: paused for ten minutes more',
      `${PAUSED}
       10:04 shop/web evict
       10:06 shop/web violation
       10:07 shop/web asks → EvictionsStopped 599s
       20:06 shop/web asks → free`,
    ],
    [
      'R7 the trial never lands: another one is allowed after two minutes',
      `${PAUSED}
       10:04 shop/web evict
       12:03 bank/web asks → EvictionsStopped 1s
       12:04 bank/web asks → free
       12:04 bank/web evict
       12:05 bank/web right
       12:05 shop/web asks → free`,
    ],
    [
      'R7 the trial is not accepted: another one is allowed',
      `${PAUSED}
       10:04 shop/web evict
       10:05 shop/web not accepted
       10:05 bank/web asks → free`,
    ],
    [
      'R7 a right landing that was not the trial does not end the pause',
      `0:00 other/job evict
       ${PAUSED}
       0:05 other/job right
       0:05 other/job asks → EvictionsStopped 599s`,
    ],
    [
      'R7 a violation of another owner does not end the trial',
      `${PAUSED}
       10:04 shop/web evict
       10:05 bank/web violation
       10:06 shop/web right
       10:06 bank/web asks → free`,
    ],
    [
      'R7 the trial of a paused owner ends the pause of that owner',
      `${OWNER_PAUSED}
       10:04 shop/web asks → free
       10:04 shop/web evict
       10:05 shop/web asks → OwnerStopped 119s
       10:06 shop/web right
       10:06 shop/web asks → free`,
    ],
    [
      'R7 the trial of a paused owner fails',
      `${OWNER_PAUSED}
       10:04 shop/web evict
       10:06 shop/web violation
       10:06 shop/web asks → OwnerStopped 600s`,
    ],
    [
      'R7 R10 a broken image pauses its owner at once, and no other',
      `0:00 shop/web evict
       0:01 shop/web broken
       0:01 shop/web asks → OwnerStopped 600s
       0:01 shop/api asks → free
       10:01 shop/web asks → free`,
    ],
    [
      'R7 R10 the trial of its owner is broken, too: paused for ten minutes more',
      `0:01 shop/web broken
       10:01 shop/web evict
       10:02 shop/web asks → OwnerStopped 119s
       10:03 shop/web broken
       10:03 shop/web asks → OwnerStopped 600s`,
    ],
    [
      'R7 R10 the trial of its owner is not accepted: another pod may be the trial',
      `0:01 shop/web broken
       10:01 shop/web evict
       10:02 shop/web not accepted
       10:02 shop/web asks → free
       10:02 shop/web evict
       10:03 shop/web right
       10:03 shop/web asks → free`,
    ],
    [
      'R7 R10 the right landing of an earlier eviction does not end the pause',
      `0:01 shop/web broken
       0:02 shop/web right
       0:02 shop/web asks → OwnerStopped 599s`,
    ],
    [
      'R7 R10 broken images of many owners in many namespaces pause no other owner',
      `0:00 a/1 broken
       0:01 b/2 broken
       0:02 c/3 broken
       0:03 d/4 broken
       0:04 e/5 broken
       0:05 f/6 broken
       0:06 shop/web asks → free`,
    ],
    [
      'R7 R10 a broken image is not a violation: with four violations it pauses nothing',
      `0:00 shop/web violation
       0:01 shop/api violation
       0:02 bank/web violation
       0:03 shop/web violation
       0:04 bank/web broken
       0:05 shop/web asks → free`,
    ],
    [
      'R7 R10 a trial with a broken image is inconclusive, and its owner gets no further trial',
      `${PAUSED}
       10:04 other/job evict
       10:06 other/job broken
       10:06 other/job asks → OwnerStopped 600s
       10:06 bank/web asks → free
       10:06 bank/web evict
       10:07 bank/web right
       10:07 shop/web asks → free
       10:07 other/job asks → OwnerStopped 599s`,
    ],
  ])('%s', (_, story) => {
    expect(play(story).transcript).toBe(lines(story).join('\n'));
  });

  test.each<[string, string, BrakeState]>([
    ['running', '0:00 shop/web violation', { kind: 'running' }],
    [
      'all evictions paused',
      PAUSED,
      { kind: 'paused', violations: 5, owners: ['bank/web', 'shop/api', 'shop/web'], namespaces: 2 },
    ],
    ['an owner paused', OWNER_PAUSED, { kind: 'owners-paused', owners: ['shop/web'] }],
    [
      'an owner paused because of a broken image',
      '0:00 shop/web broken',
      { kind: 'owners-paused', owners: ['shop/web'] },
    ],
    ['an owner whose trial has been due for an hour', `${OWNER_PAUSED}\n70:04 bank/web asks`, { kind: 'running' }],
  ])('R7 the state names what is paused: %s', (_, story, expected) => {
    expect(play(story).state).toEqual(expected);
  });

  test('R7 the trial itself is allowed when its pod is evaluated again', () => {
    const brake = new EvictionBrake();
    for (let pod = 0; pod < 5; pod += 1) brake.onViolation({ pod: `${pod}`, owner: 'shop/web', namespace: 'shop' }, 0);
    brake.onEvictionStarted('shop/web', 'trial', 600_000);
    expect(brake.limit('shop/web', 'trial', 600_000)).toEqual({ kind: 'free' });
    expect(brake.limit('shop/web', 'other', 600_000).kind).toBe('limited');
  });

  test('a scheduler that ignores all terms does not exhaust the memory', () => {
    const brake = new EvictionBrake();
    for (let pod = 0; pod < 3_000; pod += 1)
      brake.onViolation({ pod: `${pod}`, owner: `shop/${pod}`, namespace: 'shop' }, 0);
    const state = brake.state(0);
    expect(state.kind).toBe('owners-paused');
    brake.onViolation({ pod: 'last', owner: 'bank/web', namespace: 'bank' }, 1);
    expect(brake.state(1)).toMatchObject({ kind: 'paused', violations: 1_000 });
  });
});
