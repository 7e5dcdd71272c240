import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import { createLogger } from '@archpolicy/service';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair, LeafOptions } from '@archpolicy/testkit';
import { certificateFiles } from './certificate-files.ts';
import { CertificateWatch } from './certificate-watch.ts';

const DAY_MS = 86_400_000;
const SERVICE = 'archpolicy-webhook.archpolicy-system.svc';

type Validity = Required<Pick<LeafOptions, 'notBefore' | 'notAfter'>>;

let authority: CertificateAuthority;
let directory: string;
let lines: { msg: string; code?: string; problem?: string }[];
let loaded: string[];
let counts: string[];
let watch: CertificateWatch;
let now: number;

const clock = () => ({ ...systemClock(), now: () => now });

beforeAll(async () => {
  authority = await createCertificateAuthority();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-tls-'));
  lines = [];
  loaded = [];
  counts = [];
  now = Date.now();
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const onCertificate = ({ serialNumber }: { serialNumber: string }): void => void loaded.push(serialNumber);
  const onRead = (outcome: string): void => void counts.push(outcome);
  const source = certificateFiles(directory, SERVICE);
  watch = new CertificateWatch({ source, serverName: SERVICE, clock: clock(), logger, onCertificate, onRead });
});

afterEach(() => rm(directory, { recursive: true }));

const write = async ({ certificate, key }: CertificatePair, where = directory): Promise<void> => {
  await writeFile(join(where, 'tls.crt'), certificate);
  await writeFile(join(where, 'tls.key'), key);
};

const encrypted = (pem: string): string =>
  createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();

const problems = (): (string | undefined)[] => lines.map(({ problem }) => problem).filter((text) => text !== undefined);

describe('certificate watch', () => {
  test('waits for the files unready and logs it once', async () => {
    await watch.poll();
    await watch.poll();
    expect(watch.check()).toEqual({ ok: false, reason: 'tls.crt and tls.key do not exist' });
    expect(problems()).toEqual(['tls.crt and tls.key do not exist']);
    await write(await authority.issue());
    await watch.poll();
    expect(watch.check()).toEqual({ ok: true });
    expect(loaded).toHaveLength(1);
  });

  test('loads a new pair once', async () => {
    await write(await authority.issue());
    await watch.poll();
    await watch.poll();
    await write(await authority.issue());
    await watch.poll();
    await watch.poll();
    expect(new Set(loaded).size).toBe(2);
    expect(loaded).toHaveLength(2);
  });

  test("loads a pair after the kubelet's swap of the ..data symlink", async () => {
    const version = async (name: string): Promise<void> => {
      await mkdir(join(directory, name));
      await write(await authority.issue(), join(directory, name));
      await symlink(name, join(directory, `${name}-link`));
      await rename(join(directory, `${name}-link`), join(directory, '..data'));
    };
    await version('..first');
    await symlink('..data/tls.crt', join(directory, 'tls.crt'));
    await symlink('..data/tls.key', join(directory, 'tls.key'));
    await watch.poll();
    await version('..second');
    await rm(join(directory, '..first'), { recursive: true });
    await watch.poll();
    expect(loaded).toHaveLength(2);
  });

  test.each<[string, (good: CertificatePair, validity: Validity) => Promise<CertificatePair>, string, string]>([
    [
      'text instead of a certificate',
      async () => ({ ...(await authority.issue()), certificate: 'garbage' }),
      'CertificateInvalid',
      'tls.crt contains no PEM certificate',
    ],
    [
      'an empty certificate',
      async () => ({ ...(await authority.issue()), certificate: '' }),
      'CertificateInvalid',
      'tls.crt contains no PEM certificate',
    ],
    [
      'a second PEM block that is broken',
      ({ certificate, key }) => Promise.resolve({ certificate: certificate + certificate.replace(/\nM/u, '\n!'), key }),
      'CertificateInvalid',
      'certificate 2 in tls.crt cannot be parsed',
    ],
    [
      'text instead of a key',
      async () => ({ ...(await authority.issue()), key: 'garbage' }),
      'KeyInvalid',
      'tls.key contains no PEM private key',
    ],
    [
      'an empty key',
      (good) => Promise.resolve({ ...good, key: '' }),
      'KeyInvalid',
      'tls.key contains no PEM private key',
    ],
    [
      'a key of another certificate',
      async ({ key }) => ({ ...(await authority.issue()), key }),
      'KeyMismatch',
      'tls.key is not the key of the first certificate in tls.crt',
    ],
    [
      'an encrypted key',
      (good) => Promise.resolve({ ...good, key: encrypted(good.key) }),
      'KeyEncrypted',
      'tls.key is encrypted',
    ],
    [
      'a key that OpenSSL rejects',
      () => authority.issue({ keyType: 'RSA-1024' }),
      'RejectedByOpenSsl',
      'tls.crt and tls.key are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)',
    ],
    ...(['P-224', 'secp256k1', 'Ed448', 'RSA-PSS-2048'] as const).map(
      (keyType): [string, () => Promise<CertificatePair>, string, string] => [
        `a ${keyType} key, which API servers do not verify`,
        () => authority.issue({ keyType }),
        'KeyTypeUnsupported',
        'the key type of tls.key is not supported: use RSA, ECDSA on P-256, P-384 or P-521, or Ed25519',
      ],
    ),
    [
      'a file that is too large',
      (good) => Promise.resolve({ ...good, certificate: good.certificate + '\n'.repeat(256 * 1024) }),
      'FileTooLarge',
      'tls.crt is larger than 262144 bytes',
    ],
    [
      'a certificate for another name, which API servers reject',
      (_, validity) =>
        authority.issue({ ...validity, dnsNames: ['archpolicy-webhook.other.svc'], commonName: SERVICE }),
      'WrongName',
      `the new certificate is not valid for ${SERVICE}`,
    ],
    [
      'a certificate for clients only',
      (_, validity) => authority.issue({ ...validity, dnsNames: [SERVICE], usages: ['clientAuth'] }),
      'NotForServers',
      'tls.crt is not for servers: its extended key usage lacks serverAuth',
    ],
    [
      'a chain with a certificate whose key is too short',
      async ({ certificate, key }) => {
        const { certificate: weak } = await authority.issue({ keyType: 'RSA-1024' });
        return { certificate: certificate + weak, key };
      },
      'RejectedByOpenSsl',
      'tls.crt and tls.key are rejected by OpenSSL (ERR_SSL_CA_KEY_TOO_SMALL)',
    ],
    [
      'a certificate that has expired',
      (_, { notBefore }) => authority.issue({ notBefore, notAfter: new Date(now - 1) }),
      'Expired',
      'the new certificate has expired',
    ],
    [
      'a certificate that is not valid yet',
      (_, { notAfter }) => authority.issue({ notBefore: new Date(now + 1_000), notAfter }),
      'NotYetValid',
      'the new certificate is not valid yet',
    ],
  ])('P2 %s does not replace a good one and is logged once', async (_, bad, code, problem) => {
    const options = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS) };
    const good = await authority.issue({ ...options, dnsNames: [SERVICE] });
    await write(good);
    await watch.poll();
    await write(await bad(good, options));
    await watch.poll();
    await watch.poll();
    expect(loaded).toHaveLength(1);
    expect(watch.current?.cert.toString()).toBe(good.certificate);
    expect(watch.check()).toEqual({ ok: true });
    expect(lines.slice(1)).toEqual([
      expect.objectContaining({ msg: 'new certificate rejected, keeping the current one', code, problem }),
    ]);
    await write(await authority.issue({ dnsNames: ['*.archpolicy-system.svc'] }));
    await watch.poll();
    expect(loaded).toHaveLength(2);
  });

  test.each([
    ['the current one has expired', { dnsNames: [SERVICE], lifetimeMs: DAY_MS / 2 }],
    [
      'the current one has another name, too, because a URL names the webhook',
      { dnsNames: ['a'], lifetimeMs: 3 * DAY_MS },
    ],
  ])('P2 a pair for another name than that of the Service is used when %s', async (_, { dnsNames, lifetimeMs }) => {
    const notBefore = new Date(now - DAY_MS);
    await write(await authority.issue({ dnsNames, notBefore, notAfter: new Date(now + lifetimeMs) }));
    await watch.poll();
    now += DAY_MS;
    await write(await authority.issue({ dnsNames: ['b'], notBefore, notAfter: new Date(now + DAY_MS) }));
    await watch.poll();
    expect([loaded.length, watch.check()]).toEqual([2, { ok: true }]);
  });

  test.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048'] as const)('P2 a %s key is used', async (keyType) => {
    await write(await authority.issue({ keyType }));
    await watch.poll();
    expect(watch.check()).toEqual({ ok: true });
  });

  test('keeps the certificate when the files are deleted', async () => {
    await write(await authority.issue());
    await watch.poll();
    await rm(join(directory, 'tls.key'));
    await watch.poll();
    expect(watch.check()).toEqual({ ok: true });
  });

  test.each([
    ['once it is valid', DAY_MS / 2, 2 * DAY_MS],
    ['once the current one has expired, although it is not valid yet', 3 * DAY_MS, DAY_MS],
  ])('P2 a pair that is not valid yet is used %s', async (_, notBeforeMs, usedAfterMs) => {
    const start = Math.floor(now / 1_000) * 1_000;
    now = start;
    await write(await authority.issue({ notBefore: new Date(start - DAY_MS), notAfter: new Date(start + DAY_MS) }));
    await watch.poll();
    const next = { notBefore: new Date(start + notBeforeMs), notAfter: new Date(start + 5 * DAY_MS) };
    await write(await authority.issue(next));
    const used = Math.min(notBeforeMs, usedAfterMs);
    now = start + used - 1;
    await watch.poll();
    expect(loaded).toHaveLength(1);
    now = start + used;
    await watch.poll();
    expect(loaded).toHaveLength(2);
    expect(problems()).toEqual(['the new certificate is not valid yet']);
    expect(counts).toEqual(['loaded', 'not-yet-valid', 'loaded']);
  });

  test('P2 is unready outside the validity period', async () => {
    await write(await authority.issue({ notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS) }));
    await watch.poll();
    now += 2 * DAY_MS;
    expect(watch.check()).toEqual({ ok: false, reason: 'the certificate has expired' });
    now -= 4 * DAY_MS;
    expect(watch.check()).toEqual({ ok: false, reason: 'the certificate is not valid yet' });
  });

  test('logs no content of the files', async () => {
    const pair = await authority.issue();
    await write({ ...pair, certificate: pair.key });
    await watch.poll();
    expect(JSON.stringify(lines)).not.toContain(pair.key.split('\n')[1]!);
    expect(problems()).toEqual(['tls.crt contains no PEM certificate']);
  });

  test('polls until its signal aborts', async () => {
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    await write(await authority.issue());
    while (loaded.length === 0) await new Promise(setImmediate);
    stop.abort();
    await running;
    expect(watch.check().ok).toBe(true);
  });
});
