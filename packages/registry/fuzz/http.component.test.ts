import { expect, jest, test } from '@jest/globals';
import { runFuzzProgram } from '@archpolicy/testkit/fuzz';

// A loaded machine needs the time.
jest.setTimeout(300_000);

test('I4 P2 each response of a registry or token service has an outcome, and nothing is left open', async () => {
  const { code, output } = await runFuzzProgram(new URL('./main.ts', import.meta.url), 'http');
  process.stdout.write(output);
  expect({ code, failures: output.split('\n').filter((line) => /^FAILED|^ {2}/.test(line)) }).toEqual({
    code: 0,
    failures: [],
  });
});
