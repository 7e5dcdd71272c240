import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { pushImage, RealRegistry } from '@archpolicy/e2e';
import { dockerConfigJson, TokenServer } from '@archpolicy/testkit';
import type { Image } from './manifests.ts';

const REPOSITORY = 'private/app';
const ALICE = { name: 'alice', password: 'wonder:land', repositories: [REPOSITORY] };

/** A real registry with token authentication and one arm64 image, which only alice may read. */
export class PrivateRegistry {
  readonly image: Image;
  readonly #guarded: RealRegistry;
  readonly #release: () => Promise<void>;

  private constructor(guarded: RealRegistry, release: () => Promise<void>) {
    this.#guarded = guarded;
    this.#release = release;
    this.image = { reference: `${guarded.host}/${REPOSITORY}:v1`, platforms: ['linux/arm64'] };
  }

  static async start(): Promise<PrivateRegistry> {
    const content = await mkdtemp(join(tmpdir(), 'archpolicy-private-'));
    const tokens = await new TokenServer([ALICE]).start();
    const { realm, service, issuer, jwks } = tokens;
    const { signal } = new AbortController();
    // Push through a second registry, which has the same content and requires no tokens.
    const open = await RealRegistry.start({ content }, signal);
    await pushImage(open.host, REPOSITORY, 'v1', ['linux/arm64']);
    await open.stop();
    const guarded = await RealRegistry.start({ content, tokens: { realm, service, issuer, jwks } }, signal);
    return new PrivateRegistry(guarded, async () => {
      await Promise.all([guarded.stop(), tokens.stop()]);
      await rm(content, { recursive: true });
    });
  }

  async stop(): Promise<void> {
    await this.#release();
  }

  /** Returns a Secret `pull` for this registry, with alice's password or another one. */
  secret(where: string, password: string = ALICE.password): JsonObject {
    const json = dockerConfigJson({ [this.#guarded.host]: `${ALICE.name}:${password}` });
    const data = { '.dockerconfigjson': Buffer.from(json).toString('base64') };
    const metadata = { name: 'pull', namespace: where };
    return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/dockerconfigjson', data };
  }
}
