import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Authority } from './authority.ts';

describe('Authority', () => {
  test('issues a serving certificate for the given names', async () => {
    const authority = await Authority.create('test-ca');
    const { certificate, key } = await authority.serving('server', { dns: ['localhost'], ip: ['127.0.0.1'] });
    const serving = new X509Certificate(certificate);
    const ca = new X509Certificate(authority.certificate);
    expect(serving.checkIssued(ca) && serving.verify(ca.publicKey)).toBe(true);
    expect(ca.ca).toBe(true);
    expect(serving.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });

  test('issues a client certificate with user and groups', async () => {
    const authority = await Authority.create('test-ca');
    const { certificate } = await authority.client('ada', ['system:masters']);
    expect(new X509Certificate(certificate).subject.split('\n')).toEqual(['O=system:masters', 'CN=ada']);
  });
});
