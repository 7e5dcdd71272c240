import type { Platform } from '../platform/platform.ts';
import type { Json } from '../json/json.ts';
import { parseDeclaredPlatform } from './declared-platform.ts';
import type { DeclaredPlatform } from './declared-platform.ts';

/** What a manifest, with all that it refers to, says of platforms. Immutable: it follows from the content alone. */
export type ContentFacts =
  /** At least one platform, duplicates removed, in the order of the manifest; `single`: that of a single manifest's config. */
  | { readonly kind: 'platforms'; readonly platforms: readonly Platform[]; readonly single?: true }
  /** An artifact without platforms. */
  | { readonly kind: 'neutral' }
  /** Read, and nothing usable is declared: empty index, unknown architecture. */
  | { readonly kind: 'unknown' }
  /** No manifest at all, or one of two shapes at once. */
  | { readonly kind: 'malformed' };

/**
 * Parses a config blob. An artifact's config may be any JSON: without a platform it is neutral.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 * @example {"architecture":"amd64","os":"linux","config":{…},"rootfs":{…},"history":[…]}
 */
export function parseConfig(config: Json | undefined, manifest: 'image' | 'artifact'): ContentFacts {
  const declared = parseDeclaredPlatform(config);
  if (manifest === 'artifact' && declared.kind === 'undeclared') return { kind: 'neutral' };
  return singleContent(declared);
}

/** The facts of a single manifest with this declaration. */
export function singleContent(declared: DeclaredPlatform): ContentFacts {
  if (declared.kind !== 'platform') return { kind: 'unknown' };
  return { kind: 'platforms', platforms: [declared.platform], single: true };
}

/**
 * What an index says, given what each of its entries says. Entries that say nothing take nothing away from those that
 * do: a platform that is declared can be pulled. With none, artifacts make it neutral and everything else unknown.
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
