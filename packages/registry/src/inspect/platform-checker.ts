import { parseManifest } from '@archpolicy/core';
import type { NodeArchitecture } from '@archpolicy/core';
import type { Credential, PullSecret } from '../auth/credential.ts';
import type { EndpointCredential } from '../auth/auth-attempt.ts';
import type { Keyring } from '../auth/keyring.ts';
import type { Registries } from '../config/registries.ts';
import { isRejection } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';
import { parseDocument } from './document.ts';
import type { ImageCache } from './image-cache.ts';
import { RegistryReader } from './registry-reader.ts';
import type { ReaderParts } from './registry-reader.ts';

/** The platform of an index to check, and the credentials. */
export interface PlatformCheckRequest {
  /** The `image` field of a container, as written. */
  readonly reference: string;
  readonly pullSecrets?: readonly PullSecret[];
  /** The namespace of the pod, as in `InspectRequest`. */
  readonly tenant?: string;
  /** The digest of the index that the reference resolved to. */
  readonly digest: string;
  readonly os: string;
  readonly architecture: NodeArchitecture;
}

/**
 * Whether the registry has the manifests that an index lists for a platform. `unknown`: the registry did not answer, or
 * rejected the credentials.
 */
export type PlatformCheck = 'available' | 'missing' | 'unknown';

/** The inputs of a check, apart from the platform. */
export interface CheckContext {
  readonly image: ParsedImage;
  readonly podCredentials: readonly Credential[];
  readonly registries: Registries;
  /** The namespace whose share the requests use. */
  readonly tenant?: string | undefined;
  readonly permit: BackgroundPermit;
  readonly signal: AbortSignal;
}

type CheckedPlatform = Pick<PlatformCheckRequest, 'digest' | 'os' | 'architecture'>;

interface Parts {
  readonly keyring: Keyring;
  readonly cache: ImageCache;
  readonly reading: ReaderParts;
}

/** Maximum number of variants of one architecture. An index with more variants is not checked. */
const MAX_CHILDREN = 4;

/**
 * Checks whether a registry still has the manifests that an index lists for a platform (I9). A check sends one GET of
 * the index, whose digest proves its entries, and one HEAD of each of these manifests. "Not found" counts only if the
 * registry returned the index to the same credential in the same check. This suffices, because registries hide whole
 * repositories from a credential, not single manifests of a repository.
 */
export class PlatformChecker {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Checks a platform. A mirror can only prove that the platform is available. Only the registry itself can prove that
   * the platform is missing. The result `missing` is stored for the scope of the credential that was used.
   */
  async check(platform: CheckedPlatform, context: CheckContext): Promise<PlatformCheck> {
    const { image, podCredentials, registries, tenant, signal } = context;
    const use = { tenant, priority: 'background', signal } as const;
    const attempts = await this.#parts.keyring.attempts(image, podCredentials, registries, use);
    if (attempts.kind === 'failed') return 'unknown';
    for (const attempt of attempts.value) {
      const result = await this.#attempt(platform, attempt, context);
      if (result === 'available') return result;
      if (result === 'next' || attempt.endpoint.mirror) continue;
      return result;
    }
    return 'unknown';
  }

  /** Returns `next` when the registry does not return the index to this credential. */
  async #attempt(
    platform: CheckedPlatform,
    attempt: EndpointCredential,
    { image, registries, tenant, permit, signal }: CheckContext,
  ): Promise<PlatformCheck | 'next'> {
    const { cache, reading } = this.#parts;
    const reader = new RegistryReader(reading, { registries, attempt, tenant, permit, signal });
    const index = await reader.get(platform.digest);
    if (index.kind === 'failed') return isRejection(index) ? 'next' : 'unknown';
    const children = await checkChildren(findListedManifests(index.value.body, platform), reader);
    const result = children === 'missing' ? await confirmMissing(platform.digest, reader) : children;
    const { digest, os, architecture } = platform;
    if (result === 'missing' && !attempt.endpoint.mirror) {
      cache.storeMissing({ scope: reader.scope, image: image.key, sharing: registries.sharingOf(image.host) }, digest, {
        os,
        architecture,
      });
    }
    return result;
  }
}

/**
 * Returns the digests of the manifests that an index lists for the platform, including all variants. For an entry
 * without a usable digest, contains an empty text.
 */
function findListedManifests(body: Uint8Array, { os, architecture }: CheckedPlatform): readonly string[] {
  const manifest = parseManifest(parseDocument(body) ?? null);
  if (manifest.kind !== 'index') return [];
  return manifest.entries.flatMap((entry) =>
    entry.kind === 'platform' && entry.platform.os === os && entry.platform.architecture === architecture
      ? [entry.child?.digest ?? '']
      : [],
  );
}

/** Returns `missing` when the registry has none of the manifests. */
async function checkChildren(children: readonly string[], reader: RegistryReader): Promise<PlatformCheck> {
  if (children.length === 0 || children.length > MAX_CHILDREN || children.includes('')) return 'available';
  for (const child of children) {
    const result = await checkManifest(child, reader);
    if (result !== 'missing') return result;
  }
  return 'missing';
}

/**
 * Requests the index again before manifests count as missing. A registry that has lost its storage, or a backend
 * without the repository, returns 404 for every manifest, so also for the index.
 */
async function confirmMissing(index: string, reader: RegistryReader): Promise<PlatformCheck> {
  return (await checkManifest(index, reader)) === 'available' ? 'missing' : 'unknown';
}

/**
 * Checks one manifest with a HEAD. Confirms a 404 with a GET, because registries and proxies that do not support HEAD
 * may answer it with 404.
 */
async function checkManifest(digest: string, reader: RegistryReader): Promise<PlatformCheck> {
  const head = await reader.head(digest);
  if (head.kind === 'fetched') return 'available';
  if (head.kind === 'failed' || (head.kind === 'rejected' && head.failure.reason !== 'NotFound')) return 'unknown';
  const get = await reader.get(digest);
  if (get.kind === 'fetched') return 'available';
  return get.reason === 'NotFound' && get.isRequestRejected !== true ? 'missing' : 'unknown';
}
