import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import type { PushedImage } from './push-image.ts';
import { pushBlob, putManifest } from './registry-upload.ts';
import type { Descriptor } from './registry-upload.ts';

/**
 * Pushes the image of an OCI layout, such as `dist/image` of `make image`, with all its platforms.
 * @param layout the folder of the layout; its index.json names one image, which is an index
 * @throws ClusterError if the layout has several images, or the registry rejects a part
 */
export async function pushLayout(
  registry: string,
  repository: string,
  tag: string,
  layout: string,
): Promise<PushedImage> {
  const target = { registry, repository };
  const readBlob = (digest: string): Promise<Buffer> => readFile(join(layout, 'blobs', digest.replace(':', '/')));
  const [index, ...others] = (parse(await readFile(join(layout, 'index.json'))) as Index).manifests;
  if (index === undefined || others.length > 0) {
    throw new ClusterError('Request', `${layout} is no OCI layout with one image`);
  }
  const content = await readBlob(index.digest);
  const { manifests } = parse(content) as Index;
  for (const { digest, mediaType } of manifests) {
    const manifest = await readBlob(digest);
    const { config, layers } = parse(manifest) as Manifest;
    for (const blob of [config, ...layers]) await pushBlob(target, blob.mediaType, await readBlob(blob.digest));
    await putManifest(target, mediaType, manifest, undefined);
  }
  const { digest } = await putManifest(target, index.mediaType, content, tag);
  return { reference: `${registry}/${repository}:${tag}`, digest, manifests: manifests.map((one) => one.digest) };
}

interface Index {
  readonly manifests: readonly Descriptor[];
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

function parse(content: Buffer): unknown {
  return JSON.parse(content.toString()) as unknown;
}
