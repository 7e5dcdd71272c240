import type { RegistryMetrics, UnusableKey } from '../metrics.ts';
import type { Credential } from './credential.ts';
import type { DockerConfig } from './docker-config.ts';
import { MatchIndex } from '../image/match-index.ts';

/** Credentials, indexed by the images to which they apply. */
export type EntryIndex = MatchIndex<Credential>;

export const NO_ENTRIES: EntryIndex = new MatchIndex([]);

/** Indexes the entries of a docker config, and counts the unused keys. */
export function indexEntries({ entries, unusable }: DockerConfig, metrics: RegistryMetrics): EntryIndex {
  const index = new MatchIndex(entries, metrics.credentialComparisons);
  countUnusable(unusable, metrics);
  if (index.unused > 0) metrics.unusableKeys({ reason: 'too-many-wildcards' }, index.unused);
  return index;
}

/** Counts unused keys by reason. */
export function countUnusable(reasons: readonly UnusableKey[], metrics: RegistryMetrics): void {
  const counts = new Map<UnusableKey, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of counts) metrics.unusableKeys({ reason }, count);
}
