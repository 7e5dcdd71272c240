import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import { createLogger } from '@archpolicy/service';
import { createCertificateAuthority } from '@archpolicy/testkit';
import { ClientCaWatch } from './client-ca-watch.ts';

const DAY_MS = 86_400_000;
/** The authorities of the testkit expire after nine days. */
const LONG_MS = 20 * DAY_MS;

const authorities = { a: await createCertificateAuthority('a'), b: await createCertificateAuthority('b') };
const a = `${authorities.a.certificate}\n`;
const b = `${authorities.b.certificate}\n`;
const { certificate: leaf } = await authorities.a.issue();

let directory: string;
let file: string;
let now: number;
let lines: { msg: string; code?: string; problem?: string }[];
let loaded: string[];
let counts: string[];
let watch: ClientCaWatch;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-client-ca-'));
  file = join(directory, 'ca.crt');
  now = Date.now();
  lines = [];
  loaded = [];
  counts = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) };
  watch = new ClientCaWatch({
    file,
    clock: { ...systemClock(), now: () => now },
    logger: createLogger({ name: 'test', level: 'info', destination }),
    onClientCa: ({ pem }) => void loaded.push(pem.toString()),
    onRead: (outcome) => void counts.push(outcome),
  });
});

afterEach(() => rm(directory, { recursive: true }));

describe('the watch of the client CA', () => {
  test('P4 is not ready before the file exists, and loads each content once', async () => {
    await watch.poll();
    expect(watch.check()).toEqual({ ok: false, reason: 'the client CA file does not exist' });
    for (const content of [a, a, a + b]) {
      await writeFile(file, content);
      await watch.poll();
    }
    expect(loaded).toEqual([a, a + b]);
    expect([watch.check(), counts]).toEqual([{ ok: true }, ['absent', 'loaded', 'loaded']]);
  });

  test.each([
    ['nothing', '', 'CertificateInvalid', 'the client CA file contains no PEM certificate'],
    ['text', 'garbage', 'CertificateInvalid', 'the client CA file contains no PEM certificate'],
    [
      'a broken certificate after a good one',
      b + a.replace(/\nM/u, '\n!'),
      'CertificateInvalid',
      'certificate 2 in the client CA file cannot be parsed',
    ],
    ['the certificate of a client', leaf, 'NoAuthority', 'the client CA file contains no certificate of an authority'],
    ['too much', a + '\n'.repeat(256 * 1024), 'FileTooLarge', 'the client CA file is larger than 262144 bytes'],
  ])('P4 a file with %s does not replace a good one and is logged once', async (_, content, code, problem) => {
    await writeFile(file, a);
    await watch.poll();
    await writeFile(file, content);
    await watch.poll();
    await watch.poll();
    expect(loaded).toEqual([a]);
    expect(watch.check()).toEqual({ ok: true });
    expect(lines.slice(1)).toEqual([
      expect.objectContaining({ msg: 'new client CA rejected, keeping the current one', code, problem }),
    ]);
  });

  test('P4 a deleted file changes nothing', async () => {
    await writeFile(file, a);
    await watch.poll();
    await rm(file);
    await watch.poll();
    expect([loaded, watch.check()]).toEqual([[a], { ok: true }]);
  });

  test('P2 authorities that are not valid now are used only while the current ones are not valid, either', async () => {
    await writeFile(file, a);
    await watch.poll();
    now += LONG_MS;
    expect(watch.check()).toEqual({ ok: false, reason: 'no authority of the client CA file is valid now' });
    await writeFile(file, b);
    await watch.poll();
    now -= LONG_MS;
    expect([loaded, watch.check()]).toEqual([[a, b], { ok: true }]);
  });

  test('P2 an expired authority does not replace a valid one', async () => {
    const old = await createCertificateAuthority('old', {
      notBefore: new Date(now - 2 * DAY_MS),
      notAfter: new Date(now - DAY_MS),
    });
    await writeFile(file, a);
    await watch.poll();
    await writeFile(file, `${old.certificate}\n`);
    await watch.poll();
    expect(loaded).toEqual([a]);
    expect(lines.at(-1)).toMatchObject({
      code: 'Expired',
      problem: 'no authority of the new client CA file is valid now',
    });
    await writeFile(file, `${old.certificate}\n${b}`);
    await watch.poll();
    expect([loaded.length, watch.check()]).toEqual([2, { ok: true }]);
  });
});
