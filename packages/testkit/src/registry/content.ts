import { createHash } from 'node:crypto';

/** A stored body with its digest. */
export interface StoredContent {
  readonly mediaType: string;
  readonly digest: string;
  readonly body: Buffer;
}

/** A pushed image: its manifest or index with all references. */
export interface BuiltImage {
  readonly manifest: StoredContent;
  readonly children: readonly StoredContent[];
  readonly blobs: readonly StoredContent[];
}

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

/** Computes the digest of a body; `sha256:…` by default. */
export function computeDigest(body: Uint8Array | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(body).digest('hex')}`;
}

/** Serializes a JSON document as stored content. */
export function stored(mediaType: string, document: unknown): StoredContent {
  const body = Buffer.from(JSON.stringify(document));
  return { mediaType, digest: computeDigest(body), body };
}

/** Builds the descriptor of stored content, with further fields such as `platform` or `annotations`. */
export function descriptor({ mediaType, digest, body }: StoredContent, more: object = {}): object {
  return { mediaType, digest, size: body.length, ...more };
}
