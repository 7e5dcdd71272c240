import { expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { MisplacedAges } from './misplaced-ages.ts';

const misplaced = (uid: string) => ({ uid, assessment: 'misplaced' }) as const;

test('the oldest misplaced pod counts from its first evaluation, until it fits, is replaced or is deleted', async () => {
  const clock = new FakeClock();
  const ages = new MisplacedAges(clock);
  const seen = [ages.oldestMs];
  const after = async (ms: number, change: () => void): Promise<void> => {
    await clock.advance(ms);
    change();
    seen.push(ages.oldestMs);
  };
  ages.update('shop/a', misplaced('a'));
  await after(1_000, () => {
    ages.update('shop/b', misplaced('b'));
    ages.update('shop/a', misplaced('a'));
  });
  await after(1_000, () => {
    ages.update('shop/a', { uid: 'a', assessment: 'fits' });
  });
  await after(1_000, () => {
    ages.update('shop/b', misplaced('another pod of the same name'));
  });
  await after(500, () => undefined);
  await after(0, () => {
    ages.update('shop/b', undefined);
  });
  expect(seen).toEqual([0, 1_000, 1_000, 0, 500, 0]);
});
