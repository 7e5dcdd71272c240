import { withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { imagesToInspect, withoutSomeCredentials } from '@archpolicy/core';
import type { ArchPolicy, Inspection, PodFacts } from '@archpolicy/core';
import type { PullSecretsResult, PullSecretView } from '@archpolicy/cluster-view';
import type { InspectRequest } from '@archpolicy/registry';
import type { PodImages } from '../ports.ts';

/**
 * How long one inspection may take. It is enough for cached images and a fast registry. It is short, because a worker
 * that waits longer would delay other pods. A slower inspection continues in the background, and the next evaluation of
 * the pod uses its result.
 */
const INSPECTION_BUDGET_MS = 400;

/** The part of the inspector that is used here. */
export interface PodImageInspector {
  inspect(request: InspectRequest): Promise<Inspection>;
}

export interface InspectedImagesOptions {
  readonly inspector: PodImageInspector;
  readonly pullSecrets: Pick<PullSecretView, 'peek' | 'read'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

/**
 * Inspects those images of a pod that the policy does not override. If a pod has too many images, inspects none of
 * them.
 */
export class InspectedImages implements PodImages {
  readonly #options: InspectedImagesOptions;

  constructor(options: InspectedImagesOptions) {
    this.#options = options;
  }

  async inspect(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>> {
    const images = imagesToInspect(pod.images, policy.spec);
    if (images.length === 0) return new Map();
    const found = await this.#readPullSecrets(pod, signal);
    const answers = await Promise.all(
      images.map(async (image) => [image, await this.#inspect(image, pod.namespace, found, signal)] as const),
    );
    return new Map(answers);
  }

  /**
   * Reads the pod's pull secrets. They include the pull secrets of its ServiceAccount, which the API server copied into
   * the pod at its creation.
   */
  async #readPullSecrets(
    { namespace, pullSecrets: names = [] }: PodFacts,
    signal: AbortSignal,
  ): Promise<PullSecretsResult> {
    const { pullSecrets: view, clock } = this.#options;
    const cached = view.peek(namespace, names);
    if (cached !== undefined) return cached;
    return withTimeout({ clock, ms: INSPECTION_BUDGET_MS, signal }, (inTime) => view.read(namespace, names, inTime));
  }

  /**
   * Inspects an image with background priority, because no pod waits for the result, and because a recheck of all pods
   * must not overload a registry.
   */
  async #inspect(
    reference: string,
    tenant: string,
    { secrets, complete }: PullSecretsResult,
    signal: AbortSignal,
  ): Promise<Inspection> {
    const inspection = await this.#options.inspector.inspect({
      reference,
      tenant,
      pullSecrets: secrets,
      priority: 'background',
      budgetMs: INSPECTION_BUDGET_MS,
      signal,
    });
    return complete ? inspection : withoutSomeCredentials(inspection);
  }
}
