import { describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '@archpolicy/testkit';
import { parseCaBundle } from './ca-bundle.ts';

const authorities = await Promise.all([createCertificateAuthority('a'), createCertificateAuthority('b')]);
const [a, b] = authorities.map(({ certificate }) => `${certificate}\n`) as [string, string];
const broken = a.replace(/\nM/u, '\n!');

describe('CA bundles', () => {
  test.each([
    ['one certificate', a, undefined],
    ['several', a + b, undefined],
    ['comments between them, as distributions write them', `# Issuer: a\n${a}\n# Issuer: b\n${b}`, undefined],
    ['a trust block of OpenSSL', a.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'), undefined],
    // With each of these bundles, OpenSSL trusts fewer authorities, without an error. With an empty bundle, OpenSSL
    // trusts the authorities of the system.
    ['nothing', '', { code: 'CertificateInvalid' }],
    ['text', 'garbage', { code: 'CertificateInvalid' }],
    ['a broken certificate', broken, { code: 'CertificateInvalid', position: 1 }],
    ['a broken certificate before a good one', broken + b, { code: 'CertificateInvalid', position: 1 }],
    ['a broken certificate after a good one', b + broken, { code: 'CertificateInvalid', position: 2 }],
    ['a certificate that is cut off', a + b.slice(0, 200), { code: 'CertificateInvalid', position: 2 }],
  ])('I7 a bundle of %s', (_, text, problem) => {
    const result = parseCaBundle(text);
    expect(result.kind === 'ok' ? undefined : result.failure).toEqual(problem);
  });
});
