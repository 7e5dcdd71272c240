import { expect, jest, test } from '@jest/globals';
import { findFuzzFailures } from '@archpolicy/testkit/fuzz';

// A loaded machine needs the time.
jest.setTimeout(300_000);

test('P2 each response of an API server has an outcome, and nothing is left open', async () => {
  expect(await findFuzzFailures(new URL('./main.ts', import.meta.url), 'api-server')).toEqual([]);
});
