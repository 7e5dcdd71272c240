import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { isAddress } from './ranges.ts';

const ADDRESSES = [
  '10.1.2.3',
  '0x7f.0.0.1',
  '0X7F000001',
  '017700000001',
  '2130706433',
  '::1',
  'fe80::1%eth0',
  'FD00::1.2.3.4',
];

describe('I8 which texts are addresses', () => {
  test.each(ADDRESSES)('%s is one', (text) => {
    expect(isAddress(text)).toBe(true);
  });

  test.each(['registry.example', 'ba.be', 'localhost', '', '1.2.3.4.example', 'a:b'])('"%s" is none', (text) => {
    expect(isAddress(text)).toBe(false);
  });

  test('as ipaddr.js decides, for each text', () => {
    const mutated = fc.tuple(fc.constantFrom(...ADDRESSES), fc.nat(16), fc.string({ maxLength: 2 }));
    const texts = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.domain(),
      mutated.map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(isAddress(text)).toBe(ipaddr.isValid(text));
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });
});
