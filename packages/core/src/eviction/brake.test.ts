import { describe, expect, test } from '@jest/globals';
import { EvictionBrake } from './brake.ts';
import type { BrakeState } from './brake.ts';

/**
 * Stories of the brake, one line a step: minutes and seconds, an owner as `namespace/name`, and what happens:
 *
 * - `fault`: one of its pods came to stand where it must not
 * - `evict`, `not accepted`, `right`: an eviction of it is under way, was not accepted, its replacement landed right
 * - `broken`: its replacement is a broken image
 * - `asks → …`: whether one more eviction of it passes, and if not, why and for how many seconds
 */
function play(story: string): { readonly told: string; readonly state: BrakeState } {
  const brake = new EvictionBrake();
  const told = lines(story).map((line, index) => playLine(brake, line, index));
  return { told: told.join('\n'), state: brake.state(timeOf(lines(story).at(-1) ?? '')) };
}

/** The line as it should read. */
function playLine(brake: EvictionBrake, line: string, index: number): string {
  const [, time = '', owner = '', act = ''] = /^(\d+:\d\d) (\S+) ([a-z ]+)/.exec(line) ?? [];
  const step = STEPS[act.trim()];
  if (step === undefined) throw new Error(`not a step: ${line}`);
  const answer = step(brake, owner, timeOf(line), `pod-${index}`);
  return answer === undefined ? line : `${time} ${owner} asks → ${answer}`;
}

function timeOf(line: string): number {
  const [, minutes = '', seconds = ''] = /^(\d+):(\d\d)/.exec(line) ?? [];
  return (Number(minutes) * 60 + Number(seconds)) * 1_000;
}

type Step = (brake: EvictionBrake, owner: string, now: number, pod: string) => string | undefined;
/** The evicted pod of each owner is named after it. */
const STEPS: Readonly<Record<string, Step>> = {
  fault: (brake, owner, now, pod) => {
    brake.onViolation({ pod, owner, namespace: owner.split('/')[0] ?? '' }, now);
    return undefined;
  },
  'same fault': (brake, owner, now) => {
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

/** Five faults of three owners in two namespaces, the last one at 0:04. */
const CLOSED = `
  0:00 shop/web fault
  0:01 shop/api fault
  0:02 bank/web fault
  0:03 shop/web fault
  0:04 bank/web fault`;
/** Five faults of one owner, the last one at 0:04. */
const STOPPED = `
  0:00 shop/web fault
  0:01 shop/web fault
  0:02 shop/web fault
  0:03 shop/web fault
  0:04 shop/web fault`;

describe('the brake', () => {
  test.each<[string, string]>([
    [
      'R7 four faults close nothing',
      `0:00 shop/web fault
       0:01 shop/api fault
       0:02 bank/web fault
       0:03 bank/api fault
       0:04 shop/web asks → free`,
    ],
    [
      'R7 five of three owners in two namespaces stop everything, everybody',
      `${CLOSED}
       0:05 shop/web asks → EvictionsStopped 599s
       0:05 other/job asks → EvictionsStopped 599s`,
    ],
    [
      'R7 five of three owners in one namespace stop these owners',
      `0:00 shop/a fault
       0:01 shop/b fault
       0:02 shop/c fault
       0:03 shop/a fault
       0:04 shop/b fault
       0:05 shop/c asks → OwnerStopped 599s
       0:05 shop/d asks → free
       0:05 bank/a asks → free`,
    ],
    [
      'R7 five of two owners in two namespaces stop these owners',
      `0:00 shop/a fault
       0:01 shop/a fault
       0:02 shop/a fault
       0:03 bank/a fault
       0:04 bank/a fault
       0:05 shop/a asks → OwnerStopped 599s
       0:05 bank/a asks → OwnerStopped 599s
       0:05 bank/b asks → free`,
    ],
    [
      'R7 one more, of a third owner in a second namespace, stops everything',
      `${STOPPED}
       0:05 shop/api fault
       0:05 other/job asks → free
       0:06 bank/web fault
       0:06 other/job asks → EvictionsStopped 600s`,
    ],
    [
      'R7 five in more than ten minutes are not five',
      `0:00 shop/web fault
       0:01 shop/api fault
       0:02 bank/web fault
       0:03 shop/web fault
       10:00 bank/web fault
       10:00 shop/web asks → free
       10:00 shop/web fault
       10:00 shop/web asks → EvictionsStopped 600s`,
    ],
    [
      'R7 one pod is one fault, however often it is looked at',
      `0:00 shop/web same fault
       0:01 shop/web same fault
       0:02 shop/web same fault
       0:03 shop/web same fault
       0:04 shop/web same fault
       0:05 shop/web asks → free`,
    ],
    [
      'R7 after ten minutes one eviction is tried, and no second one beside it',
      `${CLOSED}
       10:03 shop/web asks → EvictionsStopped 1s
       10:04 shop/web asks → free
       10:04 shop/web evict
       10:05 bank/web asks → EvictionsStopped 119s
       10:05 shop/web asks → EvictionsStopped 119s`,
    ],
    [
      'R7 it lands right: the brake opens, and what was before does not count any more',
      `${CLOSED}
       10:04 other/job evict
       10:06 other/job right
       10:06 shop/web asks → free
       10:07 shop/web fault
       10:07 shop/web asks → free`,
    ],
    [
      'R7 it lands wrong: closed for ten minutes more',
      `${CLOSED}
       10:04 shop/web evict
       10:06 shop/web fault
       10:07 shop/web asks → EvictionsStopped 599s
       20:06 shop/web asks → free`,
    ],
    [
      'R7 it is never seen to land: after two minutes another is tried',
      `${CLOSED}
       10:04 shop/web evict
       12:03 bank/web asks → EvictionsStopped 1s
       12:04 bank/web asks → free
       12:04 bank/web evict
       12:05 bank/web right
       12:05 shop/web asks → free`,
    ],
    [
      'R7 it is not accepted: another is tried',
      `${CLOSED}
       10:04 shop/web evict
       10:05 shop/web not accepted
       10:05 bank/web asks → free`,
    ],
    [
      'R7 what lands right and was not the trial opens nothing',
      `0:00 other/job evict
       ${CLOSED}
       0:05 other/job right
       0:05 other/job asks → EvictionsStopped 599s`,
    ],
    [
      'R7 a fault of another owner does not end the trial',
      `${CLOSED}
       10:04 shop/web evict
       10:05 bank/web fault
       10:06 shop/web right
       10:06 bank/web asks → free`,
    ],
    [
      'R7 the trial of a stopped owner opens it alone',
      `${STOPPED}
       10:04 shop/web asks → free
       10:04 shop/web evict
       10:05 shop/web asks → OwnerStopped 119s
       10:06 shop/web right
       10:06 shop/web asks → free`,
    ],
    [
      'R7 the trial of a stopped owner fails',
      `${STOPPED}
       10:04 shop/web evict
       10:06 shop/web fault
       10:06 shop/web asks → OwnerStopped 600s`,
    ],
    [
      'R7 R10 a broken image stops its owner at once, and no other',
      `0:00 shop/web evict
       0:01 shop/web broken
       0:01 shop/web asks → OwnerStopped 600s
       0:01 shop/api asks → free
       10:01 shop/web asks → free`,
    ],
    [
      'R7 R10 the trial of its owner is broken, too: stopped for ten minutes more',
      `0:01 shop/web broken
       10:01 shop/web evict
       10:02 shop/web asks → OwnerStopped 119s
       10:03 shop/web broken
       10:03 shop/web asks → OwnerStopped 600s`,
    ],
    [
      'R7 R10 the trial of its owner is not accepted: another pod of it is tried',
      `0:01 shop/web broken
       10:01 shop/web evict
       10:02 shop/web not accepted
       10:02 shop/web asks → free
       10:02 shop/web evict
       10:03 shop/web right
       10:03 shop/web asks → free`,
    ],
    [
      'R7 R10 what was under way and lands right does not lift its stop',
      `0:01 shop/web broken
       0:02 shop/web right
       0:02 shop/web asks → OwnerStopped 599s`,
    ],
    [
      'R7 R10 broken images of many owners in many namespaces stop no other owner',
      `0:00 a/1 broken
       0:01 b/2 broken
       0:02 c/3 broken
       0:03 d/4 broken
       0:04 e/5 broken
       0:05 f/6 broken
       0:06 shop/web asks → free`,
    ],
    [
      'R7 R10 a broken image is no fault: four faults and one of them stop nothing',
      `0:00 shop/web fault
       0:01 shop/api fault
       0:02 bank/web fault
       0:03 shop/web fault
       0:04 bank/web broken
       0:05 shop/web asks → free`,
    ],
    [
      'R7 R10 a trial for all that is a broken image decides nothing, and its owner takes no further one',
      `${CLOSED}
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
    expect(play(story).told).toBe(lines(story).join('\n'));
  });

  test.each<[string, string, BrakeState]>([
    ['running', '0:00 shop/web fault', { kind: 'running' }],
    [
      'closed for everything',
      CLOSED,
      { kind: 'paused', violations: 5, owners: ['bank/web', 'shop/api', 'shop/web'], namespaces: 2 },
    ],
    ['closed for an owner', STOPPED, { kind: 'owners-paused', owners: ['shop/web'] }],
    ['closed for an owner of broken images', '0:00 shop/web broken', { kind: 'owners-paused', owners: ['shop/web'] }],
    [
      'closed for an owner of which nothing was due for an hour',
      `${STOPPED}\n70:04 bank/web asks`,
      { kind: 'running' },
    ],
  ])('R7 says what it stops: %s', (_, story, expected) => {
    expect(play(story).state).toEqual(expected);
  });

  test('R7 the trial itself is let through when it is judged again', () => {
    const brake = new EvictionBrake();
    for (let pod = 0; pod < 5; pod += 1) brake.onViolation({ pod: `${pod}`, owner: 'shop/web', namespace: 'shop' }, 0);
    brake.onEvictionStarted('shop/web', 'trial', 600_000);
    expect(brake.limit('shop/web', 'trial', 600_000)).toEqual({ kind: 'free' });
    expect(brake.limit('shop/web', 'other', 600_000).kind).toBe('limited');
  });

  test('a scheduler that ignores all terms fills no memory', () => {
    const brake = new EvictionBrake();
    for (let pod = 0; pod < 3_000; pod += 1)
      brake.onViolation({ pod: `${pod}`, owner: `shop/${pod}`, namespace: 'shop' }, 0);
    const state = brake.state(0);
    expect(state.kind).toBe('owners-paused');
    brake.onViolation({ pod: 'last', owner: 'bank/web', namespace: 'bank' }, 1);
    expect(brake.state(1)).toMatchObject({ kind: 'paused', violations: 1_000 });
  });
});
