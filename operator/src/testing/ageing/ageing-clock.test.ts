import { expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { AgeingClock } from './ageing-clock.ts';

const MINUTE = 60_000;

test('time that passes wakes who has slept long enough, and brings the others nearer to it', async () => {
  const clock = new FakeClock();
  const ageing = new AgeingClock(clock);
  const woken: string[] = [];
  const sleeps = [3, 12].map((minutes) => ageing.sleep(minutes * MINUTE).then(() => woken.push(`${minutes}`)));
  const [now, monotonic] = [ageing.now(), ageing.monotonic()];
  ageing.pass(10 * MINUTE);
  await sleeps[0];
  expect([ageing.now() - now, ageing.monotonic() - monotonic, woken]).toEqual([0, 10 * MINUTE, ['3']]);
  await clock.advance(2 * MINUTE);
  await sleeps[1];
  expect(woken).toEqual(['3', '12']);
});

test('a sleep ends with its signal, before and after a jump', async () => {
  const ageing = new AgeingClock(new FakeClock());
  const end = new AbortController();
  const sleep = ageing.sleep(20 * MINUTE, end.signal);
  ageing.pass(10 * MINUTE);
  end.abort(new Error('the end'));
  await expect(sleep).rejects.toThrow('the end');
  await expect(ageing.sleep(MINUTE, end.signal)).rejects.toThrow('the end');
});
