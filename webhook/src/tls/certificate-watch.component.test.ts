import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@archpolicy/service';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair } from '@archpolicy/testkit';
import { CertificateWatch } from './certificate-watch.ts';

let authority: CertificateAuthority;
let directory: string;
let lines: { msg: string; problem?: string }[];
let taken: string[];
let watch: CertificateWatch;
let now: number;

const clock = () => ({ ...systemClock(), now: () => now });

beforeAll(async () => {
  authority = await createCertificateAuthority();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-tls-'));
  lines = [];
  taken = [];
  now = Date.now();
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const onCertificate = ({ serialNumber }: { serialNumber: string }): void => void taken.push(serialNumber);
  watch = new CertificateWatch({ directory, clock: clock(), logger, onCertificate });
});

afterEach(() => rm(directory, { recursive: true }));

const write = async ({ certificate, key }: CertificatePair, where = directory): Promise<void> => {
  await writeFile(join(where, 'tls.crt'), certificate);
  await writeFile(join(where, 'tls.key'), key);
};

const problems = (): (string | undefined)[] => lines.map(({ problem }) => problem).filter((text) => text !== undefined);

describe('certificate watch', () => {
  test('waits for the files, unready, and says so once', async () => {
    await watch.look();
    await watch.look();
    expect(watch.check()).toEqual({ ok: false, reason: 'tls.crt and tls.key are not there' });
    expect(problems()).toEqual(['tls.crt and tls.key are not there']);
    await write(await authority.issue());
    await watch.look();
    expect(watch.check()).toEqual({ ok: true });
    expect(taken).toHaveLength(1);
  });

  test('takes a new pair once, and not the same again', async () => {
    await write(await authority.issue());
    await watch.look();
    await watch.look();
    await write(await authority.issue());
    await watch.look();
    await watch.look();
    expect(new Set(taken).size).toBe(2);
    expect(taken).toHaveLength(2);
  });

  test("sees Kubernetes' swap of the ..data symlink", async () => {
    const version = async (name: string): Promise<void> => {
      await mkdir(join(directory, name));
      await write(await authority.issue(), join(directory, name));
      await symlink(name, join(directory, `${name}-link`));
      await rename(join(directory, `${name}-link`), join(directory, '..data'));
    };
    await version('..first');
    await symlink('..data/tls.crt', join(directory, 'tls.crt'));
    await symlink('..data/tls.key', join(directory, 'tls.key'));
    await watch.look();
    await version('..second');
    await rm(join(directory, '..first'), { recursive: true });
    await watch.look();
    expect(taken).toHaveLength(2);
  });

  test.each<[string, (good: CertificatePair) => Partial<CertificatePair>, string]>([
    ['a certificate that is none', () => ({ certificate: 'garbage' }), 'tls.crt is no PEM certificate'],
    ['an empty certificate', () => ({ certificate: '' }), 'tls.crt is no PEM certificate'],
    ['a key that is none', () => ({ key: 'garbage' }), 'tls.key is no PEM private key'],
    ['a key of another certificate', ({ key }) => ({ key }), 'tls.key is not the key of tls.crt'],
  ])('%s never replaces a good one, and is told once', async (_, bad, problem) => {
    const good = await authority.issue();
    await write(good);
    await watch.look();
    await write({ ...(await authority.issue()), ...bad(good) });
    await watch.look();
    await watch.look();
    expect(taken).toHaveLength(1);
    expect(watch.current?.cert.toString()).toBe(good.certificate);
    expect(watch.check()).toEqual({ ok: true });
    expect(problems()).toEqual([problem]);
    await write(await authority.issue());
    await watch.look();
    expect(taken).toHaveLength(2);
  });

  test('files that vanish change nothing', async () => {
    await write(await authority.issue());
    await watch.look();
    await rm(join(directory, 'tls.key'));
    await watch.look();
    expect(watch.check()).toEqual({ ok: true });
  });

  test('P2 an expired pair does not replace a valid one', async () => {
    await write(await authority.issue());
    await watch.look();
    await write(await authority.issue({ notAfter: new Date(now - 1000) }));
    await watch.look();
    expect(problems()).toEqual(['the new certificate has expired']);
    expect(watch.check()).toEqual({ ok: true });
  });

  test('P2 is unready outside the time of validity', async () => {
    const day = 86_400_000;
    await write(await authority.issue({ notBefore: new Date(now - day), notAfter: new Date(now + day) }));
    await watch.look();
    now += 2 * day;
    expect(watch.check()).toEqual({ ok: false, reason: 'the certificate has expired' });
    now -= 4 * day;
    expect(watch.check()).toEqual({ ok: false, reason: 'the certificate is not valid yet' });
  });

  test('nothing of the files is written to the log', async () => {
    const pair = await authority.issue();
    await write({ ...pair, certificate: pair.key });
    await watch.look();
    expect(JSON.stringify(lines)).not.toContain(pair.key.split('\n')[1]!);
    expect(problems()).toEqual(['tls.crt is no PEM certificate']);
  });

  test('looks until its signal aborts', async () => {
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    await write(await authority.issue());
    while (taken.length === 0) await new Promise(setImmediate);
    stop.abort();
    await running;
    expect(watch.check().ok).toBe(true);
  });
});
