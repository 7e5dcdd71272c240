import { describe, expect, test } from '@jest/globals';
import { parseListening } from './listening.ts';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { measurements } from './soak.ts';

describe('make soak', () => {
  test('reads the listening ports of /proc/net/tcp', () => {
    const table = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000
   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000
   2: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0`;
    expect(parseListening(table)).toEqual([8080, 22]);
  });

  test('kills at the same times for the same seed', () => {
    const moments = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed));
    expect(moments(7)).toEqual(moments(7));
    expect(moments(7)).not.toEqual(moments(8));
    expect(moments(7).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test('misses its target after one slow round or any leftover', () => {
    const round = { upSeconds: 5, downSeconds: 1, leftovers: [] };
    const verdicts = (...args: Parameters<typeof measurements>): readonly boolean[] =>
      measurements(...args).map(({ met }) => met);
    expect(verdicts([round], [[]])).toEqual([true, true, true, true]);
    expect(verdicts([round, { ...round, upSeconds: 15 }], [])).toEqual([false, true, true]);
    expect(verdicts([{ ...round, leftovers: ['port 1'] }], [['process 2']])).toEqual([true, true, false, false]);
  });
});
