import { withoutUndefined } from '@archpolicy/core';
import { descriptor, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, stored } from './content.ts';
import type { BuiltImage } from './content.ts';

/** Parses `linux/arm64` or `linux/arm/v7` to the `platform` object of a manifest. */
export function platformObject(text: string): Readonly<Record<string, string>> {
  const [os = '', architecture = '', variant] = text.split('/');
  return withoutUndefined({ os, architecture, variant });
}

/**
 * Builds a single manifest whose config declares the platform.
 * @param platform `os/architecture[/variant]`
 * @param salt gives otherwise equal images different digests
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

/** Builds an index with one image per platform, and the platforms in the descriptors. */
export function multiPlatformImage(platforms: readonly string[], salt = ''): BuiltImage {
  const images = platforms.map((platform) => [platform, singleImage(platform, salt)] as const);
  const entries = images.map(([platform, { manifest }]) =>
    descriptor(manifest, { platform: platformObject(platform) }),
  );
  return buildIndex(
    entries,
    images.map(([, image]) => image),
  );
}

/** Builds an index of the given descriptors, with the images that they refer to. */
export function buildIndex(entries: readonly object[], images: readonly BuiltImage[]): BuiltImage {
  return {
    manifest: stored(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }),
    children: images.flatMap(({ manifest, children }) => [manifest, ...children]),
    blobs: images.flatMap(({ blobs }) => blobs),
  };
}

/** Builds an image with exactly this document as its manifest. */
export function rawImage(
  mediaType: string,
  document: unknown,
  blobs: BuiltImage['blobs'] = [],
  children: BuiltImage['children'] = [],
): BuiltImage {
  return { manifest: stored(mediaType, document), children, blobs };
}
