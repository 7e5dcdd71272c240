import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { SourceWatch } from './source-watch.ts';
import type { ReadOutcome, SourceRead } from './source-watch.ts';

const MINUTE_MS = 60_000;

let clock: FakeClock;
let lines: string[];
let outcomes: ReadOutcome[];
let next: SourceRead<string>;
let watch: SourceWatch<string>;

const value = (text: string): SourceRead<string> => ({ kind: 'read', value: text });
const rejected = (outcome: Exclude<ReadOutcome, 'loaded'>, problem: string): SourceRead<never> => ({
  kind: 'rejected',
  rejection: { outcome, code: 'Code', problem },
});

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
  outcomes = [];
  next = rejected('absent', 'it does not exist');
  const note = ({ problem = '' }: { readonly problem?: unknown }, message: string): void =>
    void lines.push(`${message} ${String(problem)}`.trim());
  watch = new SourceWatch<string>({
    subject: 'pair',
    source: { location: {}, read: () => Promise.resolve(next) },
    isSame: (current, other) => current === other,
    compare: (_, other) =>
      other === 'worse' ? { outcome: 'expired', code: 'Code', problem: 'it has expired' } : undefined,
    describe: () => ({}),
    intervalMs: (current) => (current === undefined ? 2_000 : 30_000),
    clock,
    logger: { info: note, warn: note },
    onValue: () => undefined,
    onRead: (outcome) => void outcomes.push(outcome),
  });
});

/** Reads the source once for each result. */
async function poll(...results: readonly SourceRead<string>[]): Promise<void> {
  for (const result of results) {
    next = result;
    await watch.poll();
  }
}

describe('a watched source', () => {
  test('is read at the interval of its state until the signal aborts', async () => {
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    await clock.advance(4_000);
    expect(outcomes).toEqual(['absent', 'absent', 'absent']);
    next = value('a');
    await clock.advance(2_000);
    expect(watch.current).toBe('a');
    next = value('b');
    await clock.advance(29_999);
    expect(watch.current).toBe('a');
    await clock.advance(1);
    expect(watch.current).toBe('b');
    stop.abort();
    await running;
    expect(clock.sleeping).toEqual([]);
  });

  test('P2 what cannot be read or used replaces nothing', async () => {
    await poll(value('a'));
    await poll(
      rejected('unavailable', 'timeout'),
      rejected('absent', 'gone'),
      rejected('bad', 'garbage'),
      value('worse'),
    );
    expect(watch.current).toBe('a');
    expect(watch.problem).toBe('it has expired');
    await poll(value('a'));
    expect(watch.problem).toBe('');
    expect(lines).toEqual([
      'pair loaded',
      'failed to read pair, keeping the current one timeout',
      'failed to read pair, keeping the current one gone',
      'new pair rejected, keeping the current one garbage',
      'new pair rejected, keeping the current one it has expired',
    ]);
    expect(outcomes).toEqual(['loaded', 'unavailable', 'absent', 'bad', 'expired']);
  });

  test.each<[string, readonly SourceRead<string>[], number]>([
    ['that lasts', [rejected('bad', 'a'), rejected('bad', 'a'), rejected('bad', 'a')], 1],
    ['that changes', [rejected('bad', 'a'), rejected('bad', 'b')], 2],
    [
      'of a source that answers every second read',
      [rejected('bad', 'a'), rejected('unavailable', 'u'), rejected('bad', 'a')],
      2,
    ],
    [
      'that alternates with another',
      [rejected('unavailable', 'u'), rejected('unavailable', 'v'), rejected('unavailable', 'u')],
      2,
    ],
    ['after a good read', [value('x'), rejected('unavailable', 'u'), value('x'), rejected('unavailable', 'u')], 2],
    ['again after content that could be used', [value('x'), rejected('bad', 'a'), value('x'), rejected('bad', 'a')], 3],
  ])('a problem %s is logged once for each cause', async (_, results, expected) => {
    await poll(...results);
    expect(lines).toHaveLength(expected);
  });

  test('a source that fails again after ten minutes is logged again', async () => {
    await poll(value('a'), rejected('unavailable', 'u'));
    for (let minute = 0; minute < 30; minute += 1) {
      clock.jump(MINUTE_MS);
      await poll(rejected('unavailable', 'u'));
    }
    expect(lines).toHaveLength(2);
    clock.jump(10 * MINUTE_MS);
    await poll(rejected('unavailable', 'u'));
    expect(lines).toHaveLength(3);
  });
});
