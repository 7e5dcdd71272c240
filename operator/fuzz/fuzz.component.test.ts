import { expect, jest, test } from '@jest/globals';
import { findFuzzFailures } from '@archpolicy/testkit/fuzz';

// A loaded machine needs the time.
jest.setTimeout(300_000);

test('P2 the operator survives any answers of the API server, and works when they are right again', async () => {
  expect(await findFuzzFailures(new URL('./main.ts', import.meta.url), 'operator')).toEqual([]);
});
