import type { Platform } from '../platform/platform.ts';
import type { MissingPlatform } from '../platform/supported.ts';

/** The source of the facts of a resolved image. */
export type FactSource = 'memory' | 'redis' | 'registry' | 'override';

/** The facts of an image's content. Immutable, because the key is the digest. */
export interface ImageFacts {
  /** Digest of the manifest or index that the reference resolves to. */
  readonly digest: string;
  /** Declared platforms, duplicates removed. Empty only when `neutral`. */
  readonly platforms: readonly Platform[];
  /** An artifact without platforms (empty config): it constrains nothing. */
  readonly neutral: boolean;
  /** The platform is that of a single manifest's config: mounted as a volume, the image works on any node. */
  readonly single?: true;
  /** Platforms of an index whose manifests the registry no longer has, as far as they were checked. Absent: none. */
  readonly missing?: readonly MissingPlatform[];
}

/** Why the platforms of an image are unresolved. */
export type UnresolvedReason =
  /** Waiting may help: */
  | 'Deadline'
  | 'RateLimited'
  | 'Unavailable'
  /** Waiting does not help: */
  | 'Unauthorized'
  | 'NotFound'
  | 'Blocked'
  | 'Malformed'
  | 'TooLarge'
  | 'BreakerOpen'
  | 'InvalidReference'
  /** The manifest was read and declares nothing usable (empty index, unknown architecture). */
  | 'UnknownPlatform';

/** The platforms of an image. A failure is an outcome, never a default platform. */
export type Inspection =
  | {
      readonly kind: 'resolved';
      readonly facts: ImageFacts;
      readonly source: FactSource;
      /** Time since the registry last confirmed the facts, milliseconds; 0 when it just returned them. */
      readonly ageMs: number;
    }
  | {
      readonly kind: 'unresolved';
      readonly reason: UnresolvedReason;
      /** A retry before this time (epoch milliseconds) is useless. Absent: unknown. */
      readonly retryAtMs?: number;
    };

/** The reasons that waiting can change (DESIGN PL9): only they may gate a pod. */
export const WAITING_HELPS: ReadonlySet<UnresolvedReason> = new Set(['Deadline', 'RateLimited', 'Unavailable']);

const NOT_FINAL: Inspection = { kind: 'unresolved', reason: 'Deadline' };

/**
 * Returns the inspection to use when some of the pod's credentials could not be read yet. A refusal of the registry is
 * then not final, because the missing credential may have access.
 */
export function withoutSomeCredentials(inspection: Inspection): Inspection {
  if (inspection.kind === 'resolved') return inspection;
  return inspection.reason === 'Unauthorized' || inspection.reason === 'NotFound' ? NOT_FINAL : inspection;
}
