import { execFile } from 'node:child_process';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** The image of one platform in an OCI layout. */
export interface PlatformImage {
  readonly platform: string;
  readonly config: ImageConfig;
  /** The compressed size, which a node pulls. */
  readonly bytes: number;
  /** The paths of the compressed layers, from the lowest. */
  readonly layers: readonly string[];
}

/** The config blob of an image (github.com/opencontainers/image-spec, config.md). */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly config: {
    readonly User: string;
    readonly WorkingDir: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Cmd?: readonly string[];
  };
}

/** Returns the digest of the image in an OCI layout. */
export async function readDigest(layout: string): Promise<string> {
  const { manifests } = (await readJson(join(layout, 'index.json'))) as { readonly manifests: readonly Descriptor[] };
  return manifests.map(({ digest }) => digest).join(', ');
}

/** Returns the images of all platforms in an OCI layout. */
export async function readPlatforms(layout: string): Promise<readonly PlatformImage[]> {
  const blob = (digest: string): string => join(layout, 'blobs', digest.replace(':', '/'));
  const index = (await readJson(blob(await readDigest(layout)))) as { readonly manifests: readonly Descriptor[] };
  return await Promise.all(
    index.manifests.map(async ({ digest, platform }) => {
      const { config, layers } = (await readJson(blob(digest))) as {
        readonly config: Descriptor;
        readonly layers: readonly Descriptor[];
      };
      return {
        platform: `${platform?.os ?? ''}/${platform?.architecture ?? ''}`,
        config: (await readJson(blob(config.digest))) as ImageConfig,
        bytes: [config, ...layers].reduce((sum, { size }) => sum + size, 0),
        layers: layers.map((layer) => blob(layer.digest)),
      };
    }),
  );
}

/** Unpacks the layers of an image into a root file system. None of them removes files of a lower one. */
export async function unpack({ layers }: PlatformImage, root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const layer of layers) await promisify(execFile)('tar', ['-xzpf', layer, '-C', root]);
}

/** A regular file of a root file system. */
export interface ImageFile {
  readonly path: string;
  readonly mode: number;
  readonly owner: string;
  /** The machine of an ELF file (`e_machine`): 62 is x86-64, 183 is AArch64. Undefined for other files. */
  readonly machine: number | undefined;
}

export async function listFiles(root: string): Promise<readonly ImageFile[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.map(async (file) => {
      const { mode, uid, gid } = await stat(file);
      const path = file.slice(root.length + 1);
      return { path, mode: mode & 0o7777, owner: `${uid}:${gid}`, machine: await readMachine(file) };
    }),
  );
}

/** Reads the ELF header. Both architectures are little-endian. */
async function readMachine(path: string): Promise<number | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0);
    const isElf = bytesRead === 20 && buffer.subarray(0, 4).toString('latin1') === '\x7fELF';
    return isElf ? buffer.readUInt16LE(18) : undefined;
  } finally {
    await file.close();
  }
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8')) as unknown;
}
