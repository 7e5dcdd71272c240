import { describe, expect, test } from '@jest/globals';
import { AddressGuard } from './guard.ts';
import { Nat64, parseNat64Prefix } from './nat64.ts';

describe('I8 the IPv4 address in an address of NAT64', () => {
  // The examples of https://www.rfc-editor.org/rfc/rfc6052#section-2.4, all of 192.0.2.33.
  test.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
    ['64:ff9b::/96', '64:ff9b::192.0.2.33'],
  ])('I8 with the prefix %s, %s is 192.0.2.33', (prefix, address) => {
    expect(new Nat64([prefix]).embeddedIPv4(address)).toBe('192.0.2.33');
  });

  test.each(['2001:db8::1', '192.0.2.33', '::ffff:192.0.2.33', '64:ff9b:1::192.0.2.33'])(
    'I8 without an own prefix, %s has none',
    (address) => {
      expect(new Nat64([]).embeddedIPv4(address)).toBeUndefined();
    },
  );

  test.each(['10.0.0.0/8', '2001:db8::/33', '2001:db8::/128', '2001:db8::', 'text'])('I7 %s is no prefix', (text) => {
    expect(parseNat64Prefix(text)).toBeUndefined();
  });
});

describe('I8 the address guard with NAT64', () => {
  const own = '2001:db8:64::/96';
  const guard = new AddressGuard({ refused: ['10.96.0.0/12'], allowed: [], nat64Prefixes: [own] });

  test.each([
    ['64:ff9b::52.1.2.3', true],
    ['64:ff9b::10.0.0.1', true],
    ['64:ff9b::127.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['64:ff9b::169.254.169.254', false],
    ['64:ff9b::100.100.100.200', false],
    ['64:ff9b::0.0.0.0', false],
    ['64:ff9b::224.0.0.1', false],
    ['64:ff9b::10.96.0.1', false],
    ['2001:db8:64::52.1.2.3', true],
    ['2001:db8:64::127.0.0.1', false],
    ['2001:db8:64::169.254.169.254', false],
    ['2001:db8:64::10.96.0.1', false],
    ['64:ff9b:1::52.1.2.3', false],
  ])('I8 %s is judged by its IPv4 address: permitted %s', (address, expected) => {
    expect(guard.permits(address)).toBe(expected);
  });

  test('I8 allowed IPv4 ranges apply, and a range of the prefix does not open what it hides', () => {
    const loopback = new AddressGuard({ refused: [], allowed: ['127.0.0.0/8'], nat64Prefixes: [] });
    expect(loopback.permits('64:ff9b::127.0.0.1')).toBe(true);
    const prefix = new AddressGuard({ refused: [], allowed: ['64:ff9b::/96', own], nat64Prefixes: [own] });
    for (const hidden of ['64:ff9b::127.0.0.1', '64:ff9b::169.254.169.254', '2001:db8:64::169.254.169.254']) {
      expect(prefix.permits(hidden)).toBe(false);
    }
  });

  test('I8 a configured range refuses the prefix itself', () => {
    const closed = new AddressGuard({ refused: ['64:ff9b::/96'], allowed: [], nat64Prefixes: [] });
    expect(closed.permits('64:ff9b::52.1.2.3')).toBe(false);
  });

  test('I8 a prefix in a refused range can be used: 64:ff9b:1::/48 is for networks of their own', () => {
    const local = new AddressGuard({ refused: [], allowed: [], nat64Prefixes: ['64:ff9b:1::/48'] });
    expect(local.permits('64:ff9b:1:3401:2:300::')).toBe(true);
    expect(local.permits('64:ff9b:1:a9fe:a9:fe00::')).toBe(false);
  });
});
