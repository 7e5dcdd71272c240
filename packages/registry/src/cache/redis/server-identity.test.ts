import { describe, expect, test } from '@jest/globals';
import type { PeerCertificate } from 'node:tls';
import { tlsOptionsFor } from './server-identity.ts';

/** Whether a certificate with these names is accepted; undefined when the library's own check applies. */
function accepts(host: string, urlHosts: readonly string[], subjectaltname: string): boolean | undefined {
  const { checkServerIdentity } = tlsOptionsFor(host, urlHosts);
  const certificate = { subject: { CN: 'unused' }, subjectaltname } as unknown as PeerCertificate;
  return checkServerIdentity && checkServerIdentity(host, certificate) === undefined;
}

describe('K7 the identity of a Redis server', () => {
  test.each<[string, string, readonly string[], string | undefined]>([
    ['a host of the URL', 'redis.example', ['redis.example'], 'redis.example'],
    ['a node that a Cluster announces by name', 'node-2.redis.example', ['redis.example'], 'node-2.redis.example'],
    ['a node that is announced by address', '10.0.0.7', ['redis.example', 'other.example'], 'redis.example'],
    ['an address in the URL', '10.0.0.7', ['10.0.0.7'], undefined],
    ['an IPv6 address in the URL', 'fd00::7', ['fd00::7'], undefined],
  ])('K7 the name that is sent to %s', (_, host, urlHosts, servername) => {
    expect(tlsOptionsFor(host, urlHosts).servername).toBe(servername);
  });

  test.each<[string, string, readonly string[], string, boolean | undefined]>([
    ['a name', 'redis.example', ['redis.example'], 'DNS:redis.example', undefined],
    ['an address in the URL', '10.0.0.7', ['10.0.0.7'], 'IP Address:10.0.0.7', undefined],
    ['an announced address, certificate for it', '10.0.0.7', ['redis.example'], 'IP Address:10.0.0.7', true],
    ['an announced address, certificate for the URL', '10.0.0.7', ['redis.example'], 'DNS:redis.example', true],
    [
      'an announced address, certificate for the second host of the URL',
      '10.0.0.7',
      ['a.example', 'b.example'],
      'DNS:b.example',
      true,
    ],
    ['an announced address, certificate for another name', '10.0.0.7', ['redis.example'], 'DNS:evil.example', false],
    [
      'an announced address, certificate for another address',
      '10.0.0.7',
      ['redis.example'],
      'IP Address:10.0.0.8',
      false,
    ],
  ])('K7 the check of the certificate for %s', (_, host, urlHosts, names, expected) => {
    expect(accepts(host, urlHosts, names)).toBe(expected);
  });
});
