import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair } from '@archpolicy/testkit';
import { waitFor } from '@archpolicy/e2e';
import { atMost, exactly, figure, same } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { countFailures, podReview, ReviewClient } from '../parts/reviews.ts';
import { ChaosWebhook } from '../parts/webhooks.ts';

const NAMESPACE = 'f17';
const ROTATIONS = 20;
const PER_SECOND = 100;
/** Longer than two reads of the files, which happen every two seconds. */
const SETTLE_MS = 5_000;

/** The serving certificate is rotated under load, mismatched, half-written, and only one of its files is replaced. */
export const certificates: Scenario = {
  id: 'F17',
  title: 'The serving certificate is rotated, mismatched or half-written',
  rule: 'design section 8',
  bar: 'No failed handshake and no failed review; a new certificate is served within 15 s; a pair that cannot be used is never served',
  done: `A real webhook under ${PER_SECOND} reviews a second. Its files are swapped ${ROTATIONS} times as a kubelet swaps them (a symlink to a folder), then replaced by a certificate with another key, half a key, and a key alone`,
  run: async (context) => {
    const chaos = await context.cluster();
    await chaos.createNamespace(NAMESPACE);
    const files = await TlsFolder.create();
    context.cleanUp(() => files.remove());
    await files.write(await files.authority.issue());
    const webhook = await ChaosWebhook.start(context, NAMESPACE, {
      tlsDirectory: files.directory,
      authorityFile: files.authorityFile,
    });
    const client = new ReviewClient(webhook, podReview(NAMESPACE, chaos.images.arm64.reference));
    const seen = { longestMs: 0, handshakes: 0, failedHandshakes: 0, wrong: 0, old: '' };
    const serial = async (): Promise<string | undefined> => {
      seen.handshakes += 1;
      return await readSerial(webhook).catch(() => {
        seen.failedHandshakes += 1;
        return undefined;
      });
    };
    const outcomes = await client.load(PER_SECOND, async () => {
      let last = await serial();
      for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
        await files.write(await files.authority.issue());
        const begin = performance.now();
        last = await waitFor(
          async () => {
            const now = await serial();
            return now !== last && now;
          },
          { what: 'the new certificate', timeoutMs: 20_000 },
        );
        seen.longestMs = Math.max(seen.longestMs, performance.now() - begin);
      }
      const good = await files.authority.issue();
      const other = await files.authority.issue();
      for (const bad of [
        { ...good, key: other.key },
        { ...good, key: good.key.slice(0, good.key.length / 2) },
        { key: good.key },
      ]) {
        await files.write(bad);
        await sleep(SETTLE_MS);
        if ((await serial()) !== last) seen.wrong += 1;
      }
    });
    client.close();
    return [
      figure('reviews', outcomes.length),
      exactly('failed reviews', countFailures(outcomes), 0),
      figure('handshakes', seen.handshakes),
      exactly('failed handshakes', seen.failedHandshakes, 0),
      atMost('longest time from a swap until the new certificate is served', seen.longestMs / 1_000, 15, 's'),
      exactly('pairs that cannot be used, and were served', seen.wrong, 0),
      same('a TLS 1.2 client after the rotations', await readTls12(webhook), 'refused'),
    ];
  },
};

/** A folder that is updated as the kubelet updates a Secret volume: `tls.crt` → `..data/tls.crt`, and `..data` is swapped. */
class TlsFolder {
  readonly authority: CertificateAuthority;
  readonly directory: string;
  readonly authorityFile: string;
  #version = 0;

  private constructor(authority: CertificateAuthority, root: string) {
    this.authority = authority;
    this.directory = join(root, 'tls');
    this.authorityFile = join(root, 'ca.crt');
  }

  static async create(): Promise<TlsFolder> {
    const folder = new TlsFolder(
      await createCertificateAuthority('rotations'),
      await mkdtemp(join(tmpdir(), 'archpolicy-f17-')),
    );
    await mkdir(folder.directory);
    await writeFile(folder.authorityFile, folder.authority.certificate);
    for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(folder.directory, name));
    return folder;
  }

  async write(pair: Partial<CertificatePair>): Promise<void> {
    this.#version += 1;
    const version = `..version-${this.#version}`;
    await mkdir(join(this.directory, version));
    const contents = { 'tls.crt': pair.certificate, 'tls.key': pair.key };
    for (const [name, text] of Object.entries(contents)) {
      if (text !== undefined) await writeFile(join(this.directory, version, name), text);
    }
    await symlink(version, join(this.directory, '..next'));
    await rename(join(this.directory, '..next'), join(this.directory, '..data'));
  }

  async remove(): Promise<void> {
    await rm(join(this.directory, '..'), { recursive: true });
  }
}

type TlsTarget = Pick<ChaosWebhook, 'port' | 'authority'>;

/** Opens a new connection and returns the serial number of its certificate. */
async function readSerial({ port, authority }: TlsTarget): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority, servername: 'localhost' });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}

async function readTls12({ port, authority }: TlsTarget): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority, maxVersion: 'TLSv1.2' });
  try {
    await once(socket, 'secureConnect');
    return 'accepted';
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
}
