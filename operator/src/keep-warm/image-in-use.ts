import type { PullSecretsResult } from '@archpolicy/cluster-view';

/** An image to keep warm. One object represents all pods that pull the image with the same credentials. */
export interface ImageInUse {
  /** Identifies the image together with the credentials. */
  readonly key: string;
  readonly image: string;
  /** The namespace of a pod or CronJob that uses the image. */
  readonly namespace: string;
  /** The registry host. */
  readonly host: string;
  /** TTL of the image's cache entry, milliseconds. */
  readonly ttlMs: number;
  readonly pullSecrets: (signal: AbortSignal) => Promise<PullSecretsResult>;
}
