import type { Platform } from '../platform/platform.ts';
import type { Json } from '../json/json.ts';
import { parseDeclaredPlatform } from './declared-platform.ts';
import type { DeclaredPlatform } from './declared-platform.ts';

/**
 * The platforms of a manifest and of the content that it refers to. They depend only on the content, so they never
 * change.
 */
export type ContentFacts =
  /**
   * At least one platform, in the order of the manifest and without duplicates. `single`: the platform is from the
   * config of a single manifest.
   */
  | { readonly kind: 'platforms'; readonly platforms: readonly Platform[]; readonly single?: true }
  /** An artifact without platforms. */
  | { readonly kind: 'neutral' }
  /** The manifest is valid, but declares no usable platform: for example an empty index, or an unknown architecture. */
  | { readonly kind: 'unknown' }
  /** The content is not a manifest, or it has the shapes of two kinds of manifest at once. */
  | { readonly kind: 'malformed' };

/**
 * Parses a config blob. The config of an artifact may be any JSON; without a platform the artifact is neutral.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 * @example {"architecture":"amd64","os":"linux","config":{…},"rootfs":{…},"history":[…]}
 */
export function parseConfig(config: Json | undefined, manifest: 'image' | 'artifact'): ContentFacts {
  const declared = parseDeclaredPlatform(config);
  if (manifest === 'artifact' && declared.kind === 'undeclared') return { kind: 'neutral' };
  return singleContent(declared);
}

/** Returns the facts of a single manifest with this platform. */
export function singleContent(declared: DeclaredPlatform): ContentFacts {
  if (declared.kind !== 'platform') return { kind: 'unknown' };
  return { kind: 'platforms', platforms: [declared.platform], single: true };
}

/**
 * Returns the facts of an index from those of its entries. If any entry has a platform, the index has the platforms of
 * its entries, and entries without a platform are ignored. Otherwise the index is neutral if all entries are artifacts,
 * else unknown.
 */
export function combineContent(entries: readonly ContentFacts[]): ContentFacts {
  const platforms = unique(entries.flatMap((entry) => (entry.kind === 'platforms' ? entry.platforms : [])));
  if (platforms.length > 0) return { kind: 'platforms', platforms };
  const artifactsOnly = entries.length > 0 && entries.every((entry) => entry.kind === 'neutral');
  return artifactsOnly ? { kind: 'neutral' } : { kind: 'unknown' };
}

function unique(platforms: readonly Platform[]): readonly Platform[] {
  const seen = new Map(
    platforms.map((platform) => [`${platform.os}/${platform.architecture}/${platform.variant ?? ''}`, platform]),
  );
  return [...seen.values()];
}
