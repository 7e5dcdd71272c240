import type { PullSecret } from '../auth/credential.ts';

/** The image to inspect, the credentials, and how long the caller waits. */
export interface InspectRequest {
  /** The `image` field of a container, as written. */
  readonly reference: string;
  /** The pod's imagePullSecrets, in their order. Each object is parsed only once, so pass the same objects again. */
  readonly pullSecrets?: readonly PullSecret[];
  /**
   * The namespace whose pod uses the image. Limits are shared between namespaces, so that one of them cannot use up all
   * (K5). Requests without a namespace share one share.
   */
  readonly tenant?: string;
  /** The container's `imagePullPolicy`: with `Always` a tag is revalidated after a minute instead of ten. */
  readonly pullPolicy?: string;
  /**
   * `background` when no pod waits for the result (recheck, keep-warm). The requests of such an inspection are
   * rate-limited per registry, so that they neither overload the registry nor delay pods. `admission` by default.
   */
  readonly priority?: InspectionPriority;
  /**
   * Whether the pod is not really created (`dryRun`). The image is inspected with background priority and within a small
   * share of the namespace. Beyond the share, an image that is not cached is `Deadline`.
   */
  readonly isDryRun?: boolean;
  /** Maximum age of an answer, in milliseconds. Use it to revalidate before the soft TTL has expired. */
  readonly maxAgeMs?: number;
  /**
   * How long the caller waits (milliseconds). Work that takes longer continues, and the result of the work is cached.
   */
  readonly budgetMs: number;
  /** Ends the wait immediately; the result is then `Deadline`, or a stale answer. */
  readonly signal?: AbortSignal;
}

export type InspectionPriority = 'admission' | 'background';
