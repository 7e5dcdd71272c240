import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** The image of one platform in an OCI layout. */
export interface PlatformImage {
  readonly platform: string;
  /** The bytes that a node pulls. */
  readonly bytes: number;
}

/** The image in an OCI layout. */
export interface LayoutImage {
  /** The digest of the index of all platforms. */
  readonly digest: string;
  readonly platforms: readonly PlatformImage[];
}

/** Reads the only image of an OCI layout (github.com/opencontainers/image-spec, image-layout.md). */
export async function readLayout(folder: string): Promise<LayoutImage> {
  const { manifests } = (await readJson(join(folder, 'index.json'))) as { readonly manifests: readonly Descriptor[] };
  const [index, ...others] = manifests;
  if (index === undefined || others.length > 0) throw new Error(`${folder} has ${manifests.length} images`);
  const blob = (digest: string): Promise<unknown> => readJson(join(folder, 'blobs', digest.replace(':', '/')));
  const { manifests: images } = (await blob(index.digest)) as { readonly manifests: readonly Descriptor[] };
  const platforms = images.map(async ({ digest, platform }) => {
    const { config, layers } = (await blob(digest)) as {
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    };
    const bytes = [config, ...layers].reduce((sum, { size }) => sum + size, 0);
    return { platform: `${platform?.os ?? ''}/${platform?.architecture ?? ''}`, bytes };
  });
  return { digest: index.digest, platforms: await Promise.all(platforms) };
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8')) as unknown;
}
