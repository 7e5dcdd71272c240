import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLACEMENT_REASONS } from './decision.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/placement.md'), 'utf8');

test.each(PLACEMENT_REASONS)('PL6 docs/placement.md explains %s', (reason) => {
  expect(page).toContain(`\`${reason}\``);
});
