import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { DEGRADED_REASONS } from './degradations.ts';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

test.each(DEGRADED_REASONS)('docs/operations.md explains the Degraded reason %s', (reason) => {
  expect(page).toContain(`\`${reason}\``);
});
