import type { Platform } from '../platform/platform.ts';
import type { MissingPlatform } from '../platform/supported.ts';

/** The source of the facts of a resolved image. */
export type FactSource = 'memory' | 'redis' | 'registry' | 'override';

/** The facts of an image's content. They never change, because the digest identifies the content. */
export interface ImageFacts {
  /** Digest of the manifest or index that the reference resolves to. */
  readonly digest: string;
  /** The declared platforms without duplicates. Empty only if `neutral`. */
  readonly platforms: readonly Platform[];
  /** Whether the image is an artifact without platforms (empty config), which constrains nothing. */
  readonly neutral: boolean;
  /**
   * True if the platform is from the config of a single manifest. Such an image can be mounted as a volume on any node.
   */
  readonly single?: true;
  /**
   * The platforms that an index lists, but whose manifests the registry no longer has. Not every platform has been
   * checked. Absent if no missing platform was found.
   */
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
  /** The manifest was read, but declares no usable platform (empty index, unknown architecture). */
  | 'UnknownPlatform';

/**
 * The result of inspecting an image: its facts, or the reason why they are unresolved. A failure never leads to a
 * default platform.
 */
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
      /** The time before which a retry is useless, in epoch milliseconds. Absent if it is unknown. */
      readonly retryAtMs?: number;
    };

/** The reasons for which waiting may help. A pod is gated only for these reasons (DESIGN PL9). */
export const WAITING_HELPS: ReadonlySet<UnresolvedReason> = new Set(['Deadline', 'RateLimited', 'Unavailable']);

const NOT_FINAL: Inspection = { kind: 'unresolved', reason: 'Deadline' };

/**
 * Returns the inspection to use if some of the pod's credentials could not be read yet. Then a refusal by the registry
 * is not final, because a credential that was not read may have access.
 */
export function withoutSomeCredentials(inspection: Inspection): Inspection {
  if (inspection.kind === 'resolved') return inspection;
  return inspection.reason === 'Unauthorized' || inspection.reason === 'NotFound' ? NOT_FINAL : inspection;
}
