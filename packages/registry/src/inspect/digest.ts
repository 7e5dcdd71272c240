import { createHash } from 'node:crypto';
import { isDigest } from '@archpolicy/core';

/** Computes the digest of a body with the algorithm of the digest `like`, or with sha256 by default. */
export function computeDigest(body: Uint8Array, like?: string): string {
  const algorithm = like !== undefined && isDigest(like) ? like.slice(0, like.indexOf(':')) : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(body).digest('hex')}`;
}

/**
 * Returns the digest that a registry declares in its header; undefined when it is absent or invalid.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 * @example Docker-Content-Digest: sha256:e692418e4cbaf90ca69d05a66403747baa33ee08806650b51fab815ad7fc331f
 */
export function headerDigest(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && isDigest(header) ? header : undefined;
}
