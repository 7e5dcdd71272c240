import type { Platform } from '../platform/platform.ts';
import type { MissingPlatform } from '../platform/supported.ts';

/** Where the facts of a resolved image came from. */
export type FactSource = 'memory' | 'redis' | 'registry' | 'override';

/** What is known of an image's content: immutable, because it is keyed by the digest. */
export interface ImageFacts {
  /** Digest of the manifest or index that the reference names. */
  readonly digest: string;
  /** Declared platforms, duplicates removed. Empty only when `neutral`. */
  readonly platforms: readonly Platform[];
  /** An artifact without platforms (empty config): it constrains nothing. */
  readonly neutral: boolean;
  /** The platform of a single manifest's config: what mounts the image as a volume takes it on any node. */
  readonly single?: true;
  /** Platforms of an index whose manifests the registry no longer has, as far as that was checked. Absent: none. */
  readonly missing?: readonly MissingPlatform[];
}

/** Why the platforms of an image are not known. Waiting helps only with those that say so. */
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

/** The answer to "on which platforms can this image run?". A failure is an outcome, never a default platform. */
export type Inspection =
  | {
      readonly kind: 'resolved';
      readonly facts: ImageFacts;
      readonly source: FactSource;
      /** Age of the facts' last confirmation by the registry, milliseconds. 0 when they come from it right now. */
      readonly ageMs: number;
    }
  | {
      readonly kind: 'unresolved';
      readonly reason: UnresolvedReason;
      /** Before this time (epoch milliseconds) asking again is useless. Absent: unknown. */
      readonly retryAtMs?: number;
    };

/** The reasons that waiting can change (DESIGN PL9): only they may gate a pod. */
export const WAITING_HELPS: ReadonlySet<UnresolvedReason> = new Set(['Deadline', 'RateLimited', 'Unavailable']);

const NOT_TOLD: Inspection = { kind: 'unresolved', reason: 'Deadline' };

/**
 * What an answer says that came without all of the pod's credentials, because some could not be read yet. A registry that
 * refuses has then refused nobody: the missing one may show the image.
 */
export function withoutSomeCredentials(inspection: Inspection): Inspection {
  if (inspection.kind === 'resolved') return inspection;
  return inspection.reason === 'Unauthorized' || inspection.reason === 'NotFound' ? NOT_TOLD : inspection;
}
