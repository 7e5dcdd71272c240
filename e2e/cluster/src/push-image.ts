import { ClusterError } from './errors.ts';
import { pushBlob, putManifest } from './registry-upload.ts';
import type { Descriptor } from './registry-upload.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** An empty tar archive: a layer that every runtime can unpack. */
const emptyLayer = Buffer.alloc(1024);

export interface PushedImage {
  /** `host:port/repository:tag` */
  readonly reference: string;
  /** Digest of the index, or of the single manifest. */
  readonly digest: string;
  /** Digest of each platform's manifest, in the order given. */
  readonly manifests: readonly string[];
}

/** The content of an image. By default an empty layer. */
export interface ImageContent {
  /** An uncompressed tar archive. */
  readonly layer: Uint8Array;
  /** Fields of the config blob, such as `Entrypoint`. */
  readonly config: object;
}

export interface PushOptions {
  readonly kind: 'index' | 'single';
  readonly getContent?: (platform: string) => ImageContent;
}

/**
 * Pushes a small OCI image. It has a manifest and a config blob per platform, and for `index` also an image index.
 * @param platforms `linux/amd64`, `linux/arm64/v8`, …
 */
export async function pushImage(
  registry: string,
  repository: string,
  tag: string,
  platforms: readonly string[],
  options: PushOptions = { kind: 'index' },
): Promise<PushedImage> {
  const [only, ...others] = platforms;
  if (only === undefined || (options.kind === 'single' && others.length > 0)) {
    throw new ClusterError('Request', `an image of kind ${options.kind} cannot have ${platforms.length} platforms`);
  }
  const target = { registry, repository };
  const { getContent: contentOf = () => ({ layer: emptyLayer, config: {} }) } = options;
  const manifests: { readonly descriptor: Descriptor; readonly platform: string }[] = [];
  for (const platform of platforms) {
    const content = contentOf(platform);
    const layer = await pushBlob(target, LAYER, Buffer.from(content.layer));
    const body = {
      ...platformFields(platform),
      config: content.config,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    };
    const config = await pushBlob(target, CONFIG, encode(body));
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] };
    const name = options.kind === 'single' ? tag : undefined;
    manifests.push({ platform, descriptor: await putManifest(target, MANIFEST, encode(manifest), name) });
  }
  const reference = `${registry}/${repository}:${tag}`;
  const digests = manifests.map(({ descriptor }) => descriptor.digest);
  if (options.kind === 'single') return { reference, digest: digests[0] ?? '', manifests: digests };
  const entries = manifests.map(({ descriptor, platform }) => ({ ...descriptor, platform: platformFields(platform) }));
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: entries };
  const { digest } = await putManifest(target, INDEX, encode(index), tag);
  return { reference, digest, manifests: digests };
}

function platformFields(platform: string): { readonly os: string; readonly architecture: string; variant?: string } {
  const [os = '', architecture = '', variant] = platform.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
