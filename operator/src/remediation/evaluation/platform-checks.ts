import type { Clock } from '@archpolicy/async';
import type { PodFacts, SuspectPlatform } from '@archpolicy/core';
import type { PullSecretView } from '@archpolicy/cluster-view';
import type { PlatformCheck, PlatformCheckRequest } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import type { PlatformChecks } from '../ports.ts';

export interface RegistryPlatformChecksOptions {
  readonly inspector: { checkPlatform(request: PlatformCheckRequest): Promise<PlatformCheck> };
  readonly pullSecrets: Pick<PullSecretView, 'read'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** A platform of an image is checked once in this time per namespace, whose pods usually have the same pull secrets. */
const REPEAT_MS = 60 * 60_000;
/** The same after a check without a result. */
const RETRY_MS = 5 * 60_000;
/** Limits checks per namespace: tenants choose the images that are checked. */
const MAX_PER_NAMESPACE = 20;
const MAX_RECENT = 1_000;
/** Maximum number of concurrent checks. Each makes a few requests, which are rate-limited per registry. */
const MAX_AT_ONCE = 4;

interface RecentCheck {
  readonly namespace: string;
  /** Monotonic milliseconds until which it is not repeated. */
  readonly untilMs: number;
}

/**
 * Checks registries for platforms that nodes could not pull (I9). Does not delay the evaluation of the pod: the next inspection of the
 * image contains the result. Checks over the limits are dropped; the pod's next status update requests them again.
 */
export class RegistryPlatformChecks implements PlatformChecks {
  readonly #options: RegistryPlatformChecksOptions;
  /** Checks that are not due again yet. */
  readonly #recent = new Map<string, RecentCheck>();
  #running = 0;

  constructor(options: RegistryPlatformChecksOptions) {
    this.#options = options;
  }

  request(pod: PodFacts, suspects: readonly SuspectPlatform[], signal: AbortSignal): void {
    for (const suspect of suspects) {
      const key = [pod.namespace, suspect.image, suspect.digest, suspect.os, suspect.architecture].join(' ');
      if (!this.#isDue(key, pod.namespace)) continue;
      this.#setUntil(key, pod.namespace, REPEAT_MS);
      this.#running += 1;
      void this.#check(pod, suspect, signal)
        .then((result) => {
          if (result === 'unknown') this.#setUntil(key, pod.namespace, RETRY_MS);
        })
        .finally(() => {
          this.#running -= 1;
        });
    }
  }

  /** Never rejects. */
  async #check(pod: PodFacts, suspect: SuspectPlatform, signal: AbortSignal): Promise<PlatformCheck> {
    const { inspector, pullSecrets, logger } = this.#options;
    const { image: reference, digest, os, architecture } = suspect;
    try {
      const { secrets, complete } = await pullSecrets.read(pod.namespace, pod.pullSecrets ?? [], signal);
      // Without all pull secrets, "not found" may be due to a missing credential.
      if (!complete) return 'unknown';
      const result = await inspector.checkPlatform({ reference, pullSecrets: secrets, digest, os, architecture });
      if (result === 'missing')
        logger.info({ image: reference, digest, os, architecture }, 'platform missing in registry');
      return result;
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, image: reference }, 'failed to check platform in registry');
      return 'unknown';
    }
  }

  #isDue(key: string, namespace: string): boolean {
    const now = this.#options.clock.monotonic();
    for (const [known, { untilMs }] of this.#recent) if (untilMs <= now) this.#recent.delete(known);
    if (this.#recent.has(key) || this.#running >= MAX_AT_ONCE || this.#recent.size >= MAX_RECENT) return false;
    const inNamespace = [...this.#recent.values()].filter((check) => check.namespace === namespace);
    return inNamespace.length < MAX_PER_NAMESPACE;
  }

  #setUntil(key: string, namespace: string, ms: number): void {
    this.#recent.set(key, { namespace, untilMs: this.#options.clock.monotonic() + ms });
  }
}
