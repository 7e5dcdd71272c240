import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { variables } from './config.ts';

const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');

/** Variable and default of a row of the table in "Seams"; the default is undefined where the cell is no code. */
const ROW =
  /^\| `(?<name>ARCHPOLICY_\w+|\w+_PROXY)` \| (?:all|both|operator) \| .* \| (?:`(?<fallback>[^`]+)`|.*) \|$/gmu;

test('docs/architecture.md lists exactly the variables of the operator, with their defaults', () => {
  const documented = [...page.matchAll(ROW)].map(({ groups }) => [groups?.['name'], groups?.['fallback']]);
  const read = Object.values(variables).map((row) => [row.name, 'default' in row ? row.default : undefined]);
  expect(documented.sort()).toEqual(read.sort());
});
