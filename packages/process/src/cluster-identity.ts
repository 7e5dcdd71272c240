import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Clock, Random } from '@archpolicy/async';
import { Backoff, bodyOrThrow, KubeError, NAMESPACES, resourcePath } from '@archpolicy/kube';
import type { Api, BackoffTiming } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';

/** The namespace whose uid identifies a cluster, as is usual: every cluster has it, and it cannot be deleted. */
const NAMESPACE = 'kube-system';
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 2 * 1024 * 1024;
const BACKOFF: BackoffTiming = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: Number.POSITIVE_INFINITY };

const UNKNOWN =
  'failed to read the uid of namespace kube-system: the cache of registries without a public name is not shared yet';

export interface ClusterIdentityParts {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Reads the identity of the cluster once, in the background. No pod waits for it: until it is known, what is stored about
 * registries that may differ between clusters stays in the memory of this process. A wrong or random identity would be
 * worse: the processes of one cluster would not find each other's entries, or those of two clusters would mix.
 */
export class ClusterIdentity {
  readonly #parts: ClusterIdentityParts;
  #uid: string | undefined;

  constructor(parts: ClusterIdentityParts) {
    this.#parts = parts;
  }

  /** The uid of the namespace `kube-system`; undefined until it has been read. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Reads the identity, with retries until it is known or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#parts;
    const backoff = new Backoff(BACKOFF, clock, random);
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        this.#uid = await this.#read(signal);
        if (failures > 0) logger.info({}, 'cluster identity read');
        return;
      } catch (err) {
        if (err instanceof KubeError && err.code === 'Aborted') return;
        if (failures === 0) logger.warn({ err }, UNKNOWN);
        await clock.sleep(backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  /** @throws KubeError when there is no response, it is an error, or it contains no uid */
  async #read(signal: AbortSignal): Promise<string> {
    const path = resourcePath(NAMESPACES, { name: NAMESPACE });
    const request = { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES } as const;
    const body = bodyOrThrow(await this.#parts.api.request(request));
    const uid = isJsonObject(body) ? textAt(objectAt(body, 'metadata'), 'uid') : undefined;
    if (uid === undefined || uid === '') throw new KubeError('Malformed', 'the namespace has no uid');
    return uid;
  }
}
