import { beforeAll, describe, expect, test } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import fc from 'fast-check';
import type { Result } from '@archpolicy/core';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair, LeafKeyType } from '@archpolicy/testkit';
import { parseKeyPair } from './key-pair.ts';
import type { KeyPair } from './key-pair.ts';
import { describeProblem } from './problem.ts';
import type { TlsProblem } from './problem.ts';

const OPTIONS = { minVersion: 'TLSv1.3' } as const;

let authority: CertificateAuthority;
let good: CertificatePair;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  good = await authority.issue();
});

const parse = ({ certificate, key }: CertificatePair): Result<KeyPair, TlsProblem> =>
  parseKeyPair({ certificate, key }, OPTIONS);

/** `usable`, or the problem in words. */
const outcome = (pair: CertificatePair): string => {
  const result = parse(pair);
  return result.kind === 'ok' ? 'usable' : describeProblem(result.failure, { certificate: 'crt', key: 'key' });
};

const encrypted = (pem: string, type: 'pkcs8' | 'sec1'): string =>
  createPrivateKey(pem).export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString();
const block = (content: string): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(content).toString('base64')}\n-----END CERTIFICATE-----\n`;

describe('key pairs', () => {
  test.each<[LeafKeyType, string]>([
    ['P-256', 'usable'],
    ['P-384', 'usable'],
    ['P-521', 'usable'],
    ['Ed25519', 'usable'],
    ['RSA-2048', 'usable'],
    ['RSA-1024', 'crt and key are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)'],
  ])('P2 a %s key: %s', async (keyType, expected) => {
    expect(outcome(await authority.issue({ keyType }))).toBe(expected);
  });

  test.each<[string, (good: CertificatePair, other: CertificatePair) => Partial<CertificatePair>, string]>([
    ['an empty certificate file', () => ({ certificate: '' }), 'crt contains no PEM certificate'],
    ['text instead of a certificate', () => ({ certificate: 'garbage' }), 'crt contains no PEM certificate'],
    ['the key in the place of the certificate', ({ key }) => ({ certificate: key }), 'crt contains no PEM certificate'],
    ['a first block that is broken', () => ({ certificate: block('x') }), 'certificate 1 in crt cannot be parsed'],
    [
      'a second block that is broken',
      ({ certificate }) => ({ certificate: certificate + block('x') }),
      'certificate 2 in crt cannot be parsed',
    ],
    [
      'a second block that is cut off',
      ({ certificate }, other) => ({ certificate: certificate + other.certificate.slice(0, 200) }),
      'certificate 2 in crt cannot be parsed',
    ],
    // RFC 8446, section 4.4.2: clients accept extra certificates.
    [
      'a chain of a certificate that did not sign it',
      ({ certificate }, other) => ({ certificate: certificate + other.certificate }),
      'usable',
    ],
    [
      'a chain in the wrong order',
      ({ certificate }, other) => ({ certificate: other.certificate + certificate }),
      'key is not the key of the first certificate in crt',
    ],
    ['text around the blocks', ({ certificate }) => ({ certificate: `subject=x\n${certificate}end\n` }), 'usable'],
    ['carriage returns', ({ certificate }) => ({ certificate: certificate.replaceAll('\n', '\r\n') }), 'usable'],
    ['an empty key file', () => ({ key: '' }), 'key contains no PEM private key'],
    ['text instead of a key', () => ({ key: 'garbage' }), 'key contains no PEM private key'],
    ['a key that is cut off', ({ key }) => ({ key: key.slice(0, 100) }), 'key contains no PEM private key'],
    ['an encrypted key (PKCS #8)', ({ key }) => ({ key: encrypted(key, 'pkcs8') }), 'key is encrypted'],
    ['an encrypted key (SEC 1)', ({ key }) => ({ key: encrypted(key, 'sec1') }), 'key is encrypted'],
    [
      'the key of another certificate',
      (_, other) => ({ key: other.key }),
      'key is not the key of the first certificate in crt',
    ],
  ])('P2 a pair with %s', async (_, change, expected) => {
    expect(outcome({ ...good, ...change(good, await authority.issue()) })).toBe(expected);
  });

  test('P2 a weak certificate in the chain is rejected', async () => {
    const weak = await authority.issue({ keyType: 'RSA-1024' });
    expect(outcome({ ...good, certificate: good.certificate + weak.certificate })).toMatch(/ERR_SSL_CA_KEY_TOO_SMALL/u);
  });

  test('the validity is that of the leaf, in milliseconds', async () => {
    const [notBefore, notAfter] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-02-01T00:00:00Z')];
    const pair = await authority.issue({ notBefore, notAfter });
    expect(parse({ ...pair, certificate: pair.certificate + good.certificate })).toMatchObject({
      value: { validity: { notBeforeMs: notBefore.getTime(), notAfterMs: notAfter.getTime() } },
    });
  });

  test('P5 no problem contains any content of the files', async () => {
    const weak = await authority.issue({ keyType: 'RSA-1024' });
    const lines = [weak, good].flatMap(({ certificate, key }) => [...certificate.split('\n'), ...key.split('\n')]);
    const content = lines.filter((line) => line.length > 40);
    for (const pair of [weak, { ...good, key: good.key.slice(0, 100) }, { ...good, certificate: good.key }]) {
      const text = JSON.stringify(parse(pair));
      expect(content.filter((line) => text.includes(line))).toEqual([]);
    }
  });

  test('P2 for any content of the files, parsing does not throw, and TLS accepts what it calls usable', async () => {
    const rsa = await authority.issue({ keyType: 'RSA-1024' });
    const chain = good.certificate + rsa.certificate;
    const pieces = ['', '-', '\n', 'A', '=', '-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '\u0000'];
    const mutated = (text: string): fc.Arbitrary<string> =>
      fc
        .tuple(fc.nat(text.length), fc.nat(40), fc.constantFrom(...pieces))
        .map(([at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length));
    const texts = [good.certificate, chain, rsa.certificate].map((text) => mutated(text));
    const keys = fc.oneof(fc.constant(good.key), fc.constant(rsa.key), mutated(good.key));
    fc.assert(
      fc.property(fc.oneof(...texts), keys, (certificate, key) => {
        if (parse({ certificate, key }).kind === 'failed') return;
        createSecureContext({ ...OPTIONS, cert: certificate, key });
      }),
      { numRuns: 300 },
    );
  });
});
