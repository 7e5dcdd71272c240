/** Image index and manifest types of OCI and Docker: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md. */
const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** Docker schema 1, signed and not: https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-1.md. */
const SCHEMA1 = [
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
];

/**
 * Media types of config blobs with `os` and `architecture`. The last two are included, because some builders write
 * `application/json` or no media type.
 */
const IMAGE_CONFIGS: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/json',
  '',
]);

/**
 * Media type of the empty config, which artifacts without a config refer to:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md.
 */
const EMPTY_CONFIG = 'application/vnd.oci.empty.v1+json';

/**
 * The annotation that BuildKit sets on provenance and SBOM entries of an index. Their platform is usually
 * `unknown/unknown`, but not always.
 */
export const ATTESTATION_ANNOTATION = 'vnd.docker.reference.type';

/**
 * The Accept list of every manifest request, HEAD included. With a shorter list Docker Hub resolves an index to its
 * amd64 child and returns that child's digest. Schema 1 is last and has the lowest quality, so that a registry does not
 * select it or convert images to it. This holds whether the registry prefers the first type, the highest quality, or a
 * type of its own choice.
 */
export const ACCEPTED_MEDIA_TYPES: readonly string[] = [
  ...INDEXES,
  ...MANIFESTS,
  ...SCHEMA1.map((mediaType) => `${mediaType};q=0.1`),
];

export function isIndexMediaType(mediaType: string): boolean {
  return INDEXES.includes(mediaType);
}

export function isManifestMediaType(mediaType: string): boolean {
  return MANIFESTS.includes(mediaType);
}

export function isImageConfig(mediaType: string): boolean {
  return IMAGE_CONFIGS.has(mediaType);
}

export function isEmptyConfig(mediaType: string): boolean {
  return mediaType === EMPTY_CONFIG;
}
