import { expect, jest, test } from '@jest/globals';
import { findFuzzFailures } from '@archpolicy/testkit/fuzz';

const MAIN = new URL('./main.ts', import.meta.url);

// A loaded machine needs the time.
jest.setTimeout(300_000);

test('I4 P2 each response of a registry or token service has an outcome, and nothing is left open', async () => {
  expect(await findFuzzFailures(MAIN, 'http')).toEqual([]);
});

test('K7 P2 each reply of Redis, Sentinels and Clusters has an outcome, and nothing is left open', async () => {
  expect(await findFuzzFailures(MAIN, 'redis')).toEqual([]);
});

test('I5 P2 each output of a credential plugin has an outcome, and nothing is left open', async () => {
  expect(await findFuzzFailures(MAIN, 'plugins')).toEqual([]);
});
