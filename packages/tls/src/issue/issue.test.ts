import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { issueAuthority, issueServing } from './issue.ts';
import type { IssuedCertificate } from './issue.ts';
import { parseKeyPair } from '../key-pair.ts';

const SUBJECT = 'CN=archpolicy-webhook-ca, O=archpolicy.dev';
const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 600_000 };
const [first, second] = (await Promise.all([1, 2].map(() => issueAuthority({ subject: SUBJECT, validity })))) as [
  IssuedCertificate,
  IssuedCertificate,
];
const names = ['archpolicy-webhook.archpolicy-system.svc', '127.0.0.1', '::1'];
const pair = await issueServing({ authority: second, names, validity });

describe('issued certificates', () => {
  test('P2 a CA is one, has the given subject and validity, and signs itself', () => {
    const ca = new X509Certificate(first.certificate);
    expect(ca.ca).toBe(true);
    expect(ca.subject.split('\n').sort()).toEqual(['CN=archpolicy-webhook-ca', 'O=archpolicy.dev']);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(first.key))).toBe(true);
    expect(ca.validToDate.getTime()).toBe(Math.floor(validity.notAfterMs / 1000) * 1000);
    expect(ca.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  test('P2 a serving certificate has the names, is no CA, and its key', () => {
    const leaf = new X509Certificate(pair.certificate);
    expect(names.map((name) => leaf.checkHost(name, { subject: 'never' }) ?? leaf.checkIP(name))).toEqual(names);
    expect(leaf.checkHost('other.svc')).toBeUndefined();
    expect([leaf.ca, leaf.keyUsage]).toEqual([false, ['1.3.6.1.5.5.7.3.1']]);
    expect(parseKeyPair(pair, { minVersion: 'TLSv1.3' }).kind).toBe('ok');
  });

  test('P2 a name that is too long for a common name is an alternative name all the same', async () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.svc`;
    const { certificate } = await issueServing({ authority: first, names: [long], validity });
    expect(new X509Certificate(certificate).checkHost(long, { subject: 'never' })).toBe(long);
  });

  test.each<[string, string, boolean]>([
    ['its CA', second.certificate, true],
    ['its CA, after another one of the same name', `${first.certificate}${second.certificate}`, true],
    ['its CA, before another one of the same name', `${second.certificate}${first.certificate}`, true],
    ['another CA of the same name', first.certificate, false],
  ])('P2 a TLS client that trusts %s', async (_, ca, isTrusted) => {
    const server = createServer({ cert: pair.certificate, key: pair.key, minVersion: 'TLSv1.3' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', ca });
    const outcome = await Promise.race([
      once(client, 'secureConnect').then(() => true),
      once(client, 'error').then(() => false),
    ]).catch(() => false);
    client.destroy();
    server.close();
    expect(outcome).toBe(isTrusted);
  });
});
