import { describe, expect, test } from '@jest/globals';
import { AddressGuard } from './guard.ts';

const guard = new AddressGuard({ refused: ['10.96.0.0/12', 'fd12:3456::/32'], allowed: [], nat64Prefixes: [] });

describe('I8 the address guard', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback, mapped'],
    ['::ffff:7f00:1', 'loopback, mapped, in hex'],
    ['::127.0.0.1', 'loopback, IPv4-compatible'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'this network'],
    ['::', 'unspecified'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata, mapped'],
    ['169.254.0.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['100.100.100.200', 'metadata of Alibaba Cloud'],
    ['168.63.129.16', 'host services of Azure'],
    ['192.0.0.192', 'metadata of Oracle Cloud'],
    ['fd00:ec2::254', 'metadata of AWS'],
    ['fd20:ce::254', 'metadata of GCP'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['64:ff9b::7f00:1', 'NAT64 of loopback'],
    ['64:ff9b::a9fe:a9fe', 'NAT64 of metadata'],
    ['64:ff9b:1::1', 'local NAT64'],
    ['2002:7f00:1::', '6to4 of loopback'],
    ['2002:a9fe:a9fe::1', '6to4 of metadata'],
    ['2001:0:1::1', 'Teredo'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated'],
    ['10.96.0.1', 'configured range'],
    ['10.111.255.255', 'configured range'],
    ['::ffff:10.96.0.1', 'configured range, mapped'],
    ['fd12:3456::1', 'configured range'],
    ['not an address', 'cannot be parsed'],
    ['', 'cannot be parsed'],
  ])('I8 %j is refused: %s', (address) => {
    expect(guard.permits(address)).toBe(false);
  });

  test.each([
    '93.184.215.14',
    '10.0.0.1',
    '10.112.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '100.64.0.1',
    '2606:4700::1111',
    'fd00::1',
    '2001:db8::1',
  ])('I8 %s is allowed: public, or private like in-cluster registries', (address) => {
    expect(guard.permits(address)).toBe(true);
  });

  test('I8 the registries file allows ranges for one host', () => {
    const loopback = new AddressGuard({
      refused: ['10.96.0.0/12'],
      allowed: ['127.0.0.0/8', '10.96.7.0/24'],
      nat64Prefixes: [],
    });
    expect(loopback.permits('127.0.0.1')).toBe(true);
    expect(loopback.permits('::ffff:127.0.0.1')).toBe(true);
    expect(loopback.permits('10.96.7.9')).toBe(true);
    expect(loopback.permits('10.96.8.9')).toBe(false);
    expect(loopback.permits('::1')).toBe(false);
    expect(loopback.permits('169.254.169.254')).toBe(false);
  });
});
