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

/**
 * How long a platform of an image is not checked again for the same namespace. One check per namespace is enough,
 * because its pods usually have the same pull secrets.
 */
const REPEAT_MS = 60 * 60_000;
/** How long a platform is not checked again after a check without a result. */
const RETRY_MS = 5 * 60_000;
/**
 * Maximum number of checks per hour and namespace. The limit is needed because tenants can cause checks by their choice
 * of images.
 */
const MAX_PER_NAMESPACE = 20;
const MAX_CHECKS = 1_000;
/**
 * Maximum number of concurrent checks. Each namespace has at most one running check, so that a registry that does not
 * respond blocks only the tenant that uses it. Each check makes a few requests, which are rate-limited per registry.
 */
const MAX_AT_ONCE = 4;

interface StartedCheck {
  readonly namespace: string;
  /** The start of the check, monotonic milliseconds. */
  readonly atMs: number;
}

/**
 * Checks whether registries still have the platforms that nodes could not pull (I9). The evaluation of the pod does not
 * wait for a check, because the next inspection of the image contains its result. Checks beyond the limits are dropped,
 * and requested again at the next status update of the pod.
 */
export class RegistryPlatformChecks implements PlatformChecks {
  readonly #options: RegistryPlatformChecksOptions;
  /** For each check, the time before which it is not repeated, monotonic milliseconds. */
  readonly #notBefore = new Map<string, number>();
  /** All checks of the last hour, with or without a result, oldest first. */
  #started: readonly StartedCheck[] = [];
  /** The namespaces of the checks in progress. */
  readonly #running = new Set<string>();

  constructor(options: RegistryPlatformChecksOptions) {
    this.#options = options;
  }

  request(pod: PodFacts, suspects: readonly SuspectPlatform[], signal: AbortSignal): void {
    const { namespace } = pod;
    for (const suspect of suspects) {
      const key = [namespace, suspect.image, suspect.digest, suspect.os, suspect.architecture].join(' ');
      if (!this.#isDue(key, namespace)) continue;
      this.#onStarted(key, namespace);
      void this.#check(pod, suspect, signal)
        .then((result) => {
          if (result === 'unknown') this.#notBefore.set(key, this.#options.clock.monotonic() + RETRY_MS);
        })
        .finally(() => {
          this.#running.delete(namespace);
        });
    }
  }

  /** Checks one platform, and logs the result if the platform is missing. Never rejects. */
  async #check(pod: PodFacts, suspect: SuspectPlatform, signal: AbortSignal): Promise<PlatformCheck> {
    const { inspector, pullSecrets, logger } = this.#options;
    const { image: reference, digest, os, architecture } = suspect;
    try {
      const { secrets, complete } = await pullSecrets.read(pod.namespace, pod.pullSecrets ?? [], signal);
      // If a pull secret is missing, the result would be unreliable: a registry may report "not found" because the
      // credential is missing.
      if (!complete) return 'unknown';
      const request = { reference, pullSecrets: secrets, tenant: pod.namespace, digest, os, architecture };
      const result = await inspector.checkPlatform(request);
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
    for (const [other, notBeforeMs] of this.#notBefore) if (notBeforeMs <= now) this.#notBefore.delete(other);
    this.#started = this.#started.filter(({ atMs }) => atMs > now - REPEAT_MS);
    if (this.#notBefore.has(key) || this.#running.has(namespace) || this.#running.size >= MAX_AT_ONCE) return false;
    const inNamespace = this.#started.filter((check) => check.namespace === namespace).length;
    return inNamespace < MAX_PER_NAMESPACE && this.#started.length < MAX_CHECKS;
  }

  #onStarted(key: string, namespace: string): void {
    const now = this.#options.clock.monotonic();
    this.#running.add(namespace);
    this.#notBefore.set(key, now + REPEAT_MS);
    this.#started = [...this.#started, { namespace, atMs: now }];
  }
}
