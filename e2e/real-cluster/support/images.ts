import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushImage } from '@archpolicy/e2e';
import type { PushedImage, PushOptions } from '@archpolicy/e2e';
import { readConfig } from '../../cluster/src/config.ts';
import { createTar } from '../src/images/tar.ts';
import { buildGoModule, imageProgram } from '../src/programs/go-programs.ts';

export type Architecture = 'amd64' | 'arm64';

/** Pushes images whose program really runs on each of their architectures. */
export class ImagePusher {
  readonly #registry: string;
  readonly #layers: ReadonlyMap<string, Uint8Array>;

  private constructor(registry: string, layers: ReadonlyMap<string, Uint8Array>) {
    this.#registry = registry;
    this.#layers = layers;
  }

  /** @param registry `host:port`, as this process reaches it */
  static async create(registry: string): Promise<ImagePusher> {
    const layers = new Map<string, Uint8Array>();
    for (const architecture of ['amd64', 'arm64'] as const) {
      const signal = new AbortController().signal;
      const folder = await buildGoModule(imageProgram(architecture), readConfig(), () => undefined, signal);
      layers.set(`linux/${architecture}`, createTar([{ name: 'app', content: await readFile(join(folder, 'app')) }]));
    }
    return new ImagePusher(registry, layers);
  }

  push(name: string, kind: PushOptions['kind'], architectures: readonly Architecture[]): Promise<PushedImage> {
    const platforms = architectures.map((architecture) => `linux/${architecture}`);
    return pushImage(this.#registry, name, 'v1', platforms, {
      kind,
      getContent: (platform) => ({
        layer: this.#layers.get(platform) ?? new Uint8Array(),
        config: { Entrypoint: ['/app'] },
      }),
    });
  }
}
