import { expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import { destroyedBody } from './destroyed-body.ts';

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: { rules: { 'no-restricted-syntax': ['error', destroyedBody] } },
});

test.each([
  ['response.body.destroy();', 1],
  ['(await request(url)).body.destroy(error);', 1],
  ['body.destroy();', 1],
  ['body?.destroy();', 1],
  ['response.body.dump();', 0],
  ['response.destroy();', 0],
  ['socket.destroy();', 0],
])('%s: errors: %i', async (code, errors) => {
  const [result] = await eslint.lintText(`async () => { ${code} };\n`);
  expect(result?.errorCount).toBe(errors);
});
