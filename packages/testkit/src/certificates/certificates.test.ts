import { describe, expect, test } from '@jest/globals';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createCertificateAuthority } from './certificates.ts';
import type { LeafKeyType } from './leaf-key.ts';

describe('certificate authority', () => {
  test('issues signed pairs for the requested names', async () => {
    const authority = await createCertificateAuthority();
    const { certificate, key } = await authority.issue({ dnsNames: ['webhook.svc'], addresses: ['127.0.0.1'] });
    const leaf = new X509Certificate(certificate);
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(leaf.checkHost('webhook.svc')).toBe('webhook.svc');
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  });

  test('gives each certificate its own serial number', async () => {
    const authority = await createCertificateAuthority();
    const [a, b] = await Promise.all([authority.issue(), authority.issue()]);
    expect(new X509Certificate(a.certificate).serialNumber).not.toBe(new X509Certificate(b.certificate).serialNumber);
  });

  test('issues a certificate with the requested validity', async () => {
    const authority = await createCertificateAuthority();
    const { certificate } = await authority.issue({
      notAfter: new Date('2020-01-02T00:00:00Z'),
      notBefore: new Date('2020-01-01T00:00:00Z'),
    });
    expect(new X509Certificate(certificate).validTo).toContain('2020');
  });

  test.each<[LeafKeyType, string]>([
    ['P-224', 'ec'],
    ['P-256', 'ec'],
    ['P-384', 'ec'],
    ['P-521', 'ec'],
    ['secp256k1', 'ec'],
    ['Ed25519', 'ed25519'],
    ['Ed448', 'ed448'],
    ['RSA-1024', 'rsa'],
    ['RSA-2048', 'rsa'],
    ['RSA-PSS-2048', 'rsa-pss'],
  ])('issues a certificate for a %s key', async (keyType, expected) => {
    const authority = await createCertificateAuthority();
    const { certificate, key } = await authority.issue({ keyType });
    const leaf = new X509Certificate(certificate);
    expect(leaf.publicKey.asymmetricKeyType).toBe(expected);
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  });
});
