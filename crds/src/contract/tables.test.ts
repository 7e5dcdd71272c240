import { parseArchPolicy } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { ACCEPTED } from './accepted.ts';
import { policyOf } from './dry-run.ts';
import { REFUSED } from './refused.ts';

const parsed = (spec: string): ReturnType<typeof parseArchPolicy> =>
  parseArchPolicy(policyOf('case', parse(spec) as Json));

/** The half of the contract test that needs no API server. */
describe('the parser', () => {
  test.each(ACCEPTED)('accepts %s', (_, spec) => {
    expect(parsed(spec)).toMatchObject({ kind: 'parsed' });
  });

  test.each(REFUSED)('refuses %s', (_, spec) => {
    expect(parsed(spec)).toMatchObject({ kind: 'invalid' });
  });

  test('accepts the defaults that it fills in, and leaves them as they are', () => {
    const first = parsed('{}');
    expect(first.kind === 'parsed' && parsed(stringify(first.policy.spec))).toEqual(first);
  });
});
