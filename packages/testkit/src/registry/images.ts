import { withoutUndefined } from '@archpolicy/core';
import { descriptor, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, stored } from './content.ts';
import type { BuiltImage } from './content.ts';

/** `linux/arm64` or `linux/arm/v7` as the object that manifests carry. */
export function platformObject(text: string): Readonly<Record<string, string>> {
  const [os = '', architecture = '', variant] = text.split('/');
  return withoutUndefined({ os, architecture, variant });
}

/**
 * A single manifest whose config declares the platform.
 * @param platform `os/architecture[/variant]`
 * @param salt makes otherwise equal images differ in their digests
 */
export function singleImage(platform: string, salt = ''): BuiltImage {
  const config = stored(OCI_CONFIG, {
    ...platformObject(platform),
    rootfs: { type: 'layers', diff_ids: [] },
    config: { Labels: { salt } },
  });
  const manifest = stored(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor(config),
    layers: [],
  });
  return { manifest, children: [], blobs: [config] };
}

/** An index with one image for each platform, its platform on the descriptor. */
export function multiPlatformImage(platforms: readonly string[], salt = ''): BuiltImage {
  const images = platforms.map((platform) => [platform, singleImage(platform, salt)] as const);
  const entries = images.map(([platform, { manifest }]) =>
    descriptor(manifest, { platform: platformObject(platform) }),
  );
  return indexOf(
    entries,
    images.map(([, image]) => image),
  );
}

/** An index of the given entries (descriptors), with the images that it refers to. */
export function indexOf(entries: readonly object[], images: readonly BuiltImage[]): BuiltImage {
  return {
    manifest: stored(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }),
    children: images.flatMap(({ manifest, children }) => [manifest, ...children]),
    blobs: images.flatMap(({ blobs }) => blobs),
  };
}

/** An image whose manifest is exactly this document. */
export function rawImage(
  mediaType: string,
  document: unknown,
  blobs: BuiltImage['blobs'] = [],
  children: BuiltImage['children'] = [],
): BuiltImage {
  return { manifest: stored(mediaType, document), children, blobs };
}
