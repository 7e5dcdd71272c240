import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { addressFamilies, orderAddresses } from './address-families.ts';
import { candidateNames, candidatesAfter } from './candidate-names.ts';
import { parseHostsFile } from './hosts-file.ts';
import { registrableDomain } from './registrable-domain.ts';
import { ServerOrder } from './server-order.ts';

describe('I10 the names that are queried for a host', () => {
  const config = { searchDomains: ['a.example', 'b.example'], ndots: 2 };

  test.each([
    ['registry', 2, ['registry.a.example', 'registry.b.example', 'registry']],
    ['registry.corp', 2, ['registry.corp.a.example', 'registry.corp.b.example', 'registry.corp']],
    ['a.b.corp', 2, ['a.b.corp', 'a.b.corp.a.example', 'a.b.corp.b.example']],
    ['registry', 0, ['registry', 'registry.a.example', 'registry.b.example']],
    ['registry.', 2, ['registry.']],
  ])('I10 %s with ndots %d', (host, ndots, expected) => {
    expect(candidateNames(host, { ...config, ndots }).map(({ name }) => name)).toEqual(expected);
  });

  test('I10 no answer for a search domain leaves the name as it is', () => {
    const [first, ...rest] = candidateNames('registry', config);
    if (first === undefined) throw new Error('no candidate');
    expect(candidatesAfter(first, 'no-answer', rest).map(({ name }) => name)).toEqual(['registry']);
    expect(candidatesAfter(first, 'server-failed', rest)).toEqual(rest);
    expect(candidatesAfter(first, 'not-found', rest)).toEqual(rest);
  });
});

describe('I10 the domain that bounds lookups', () => {
  test.each([
    ['registry.example.com', 'example.com'],
    ['a.b.c.Example.COM.', 'example.com'],
    ['registry.example.co.uk', 'example.co.uk'],
    ['team.github.io', 'team.github.io'],
    ['registry', 'registry'],
    ['registry.shop', 'registry.shop'],
    ['registry.shop.svc', 'shop.svc'],
    ['registry.shop.svc.cluster.local', 'shop.svc.cluster.local'],
    ['pod-1.registry.shop.svc.cluster.local', 'shop.svc.cluster.local'],
    ['svc.example.com', 'example.com'],
  ])('I10 %s → %s', (host, domain) => {
    expect(registrableDomain(host)).toBe(domain);
  });
});

describe('I10 the hosts file', () => {
  test('I10 has all addresses of a name and its aliases, without comments and invalid lines', () => {
    const text =
      '127.0.0.1\tlocalhost\n::1 localhost\n127.0.0.1 localhost\n10.0.0.1 Web web.example #x y\nbad name\n10.0.0.2\n';
    expect(Object.fromEntries(parseHostsFile(text))).toEqual({
      localhost: [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ],
      web: [{ address: '10.0.0.1', family: 4 }],
      'web.example': [{ address: '10.0.0.1', family: 4 }],
    });
  });
});

describe('I10 the address families', () => {
  const anInterface = (address: string, internal = false): NetworkInterfaceInfo =>
    ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;

  test.each([
    [['10.0.0.1'], [4]],
    [['2001:db8::1'], [6]],
    [
      ['10.0.0.1', '2001:db8::1'],
      [6, 4],
    ],
    [
      ['10.0.0.1', 'fd00::1'],
      [4, 6],
    ],
    [
      ['10.0.0.1', 'fe80::1%eth0'],
      [4, 6],
    ],
    [[], [6, 4]],
  ])('I10 a machine with %j: %j', (addresses, families) => {
    const loopback = [anInterface('127.0.0.1', true), anInterface('::1', true)];
    expect(addressFamilies([...loopback, ...addresses.map((address) => anInterface(address))])).toEqual(families);
  });

  test('I10 addresses keep their order within a family', () => {
    const [a, b, c] = ['10.0.0.2', '2001:db8::1', '10.0.0.1'].map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    expect(
      orderAddresses(
        [a, b, c].flatMap((address) => address ?? []),
        [6, 4],
      ),
    ).toEqual([b, a, c]);
    expect(
      orderAddresses(
        [a, b, c].flatMap((address) => address ?? []),
        [4],
      ),
    ).toEqual([a, c]);
  });
});

describe('I10 the order of DNS servers', () => {
  test('I10 a server that answers nothing comes last for 30 s', () => {
    const order = new ServerOrder();
    order.recordTimeout('a', 0);
    order.recordAnswer('b', 0);
    expect(order.order(['a', 'b'], 29_999)).toEqual(['b', 'a']);
    expect(order.order(['a', 'b'], 30_000)).toEqual(['a', 'b']);
  });

  test('I10 a server that answers about other names keeps its position', () => {
    const order = new ServerOrder();
    order.recordAnswer('a', 0);
    order.recordTimeout('a', 20_000);
    expect(order.order(['a', 'b'], 20_000)).toEqual(['a', 'b']);
    expect(order.order(['a', 'b'], 31_000)).toEqual(['b', 'a']);
    order.recordAnswer('a', 31_000);
    expect(order.order(['a', 'b'], 31_000)).toEqual(['a', 'b']);
  });
});
