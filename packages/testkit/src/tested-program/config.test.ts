import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { bundleVariable, findBundle, findProgram, TESTED_PROGRAMS } from './config.ts';

test.each(TESTED_PROGRAMS)('tests start the bundle of the %s if there is one, else its source', (program) => {
  const env = { [bundleVariable(program)]: '/bundles/main.js' };
  expect([findProgram(program, env), findBundle(program, env)]).toEqual(['/bundles/main.js', '/bundles/main.js']);
  expect([existsSync(findProgram(program, {})), findBundle(program, {})]).toEqual([true, undefined]);
});
