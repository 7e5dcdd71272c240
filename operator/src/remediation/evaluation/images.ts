import { withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { imagesToInspect, withoutSomeCredentials } from '@archpolicy/core';
import type { ArchPolicy, Inspection, PodFacts } from '@archpolicy/core';
import type { PullSecretsResult, PullSecretView } from '@archpolicy/cluster-view';
import type { InspectRequest } from '@archpolicy/registry';
import type { PodImages } from '../ports.ts';

/**
 * Enough for what is known and for a quick registry. A worker that waited for a slow one would keep other pods waiting:
 * the inspector goes on without it, and the pod gets the answer at its next evaluation.
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

/** Inspects the images of a pod that the policy does not override; none of a pod that has too many. */
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
      images.map(async (image) => [image, await this.#inspect(image, found, signal)] as const),
    );
    return new Map(answers);
  }

  /** The API server copied those of the ServiceAccount into the pod when it was created. */
  async #readPullSecrets(
    { namespace, pullSecrets: names = [] }: PodFacts,
    signal: AbortSignal,
  ): Promise<PullSecretsResult> {
    const { pullSecrets: view, clock } = this.#options;
    const cached = view.peek(namespace, names);
    if (cached !== undefined) return cached;
    return withTimeout({ clock, ms: INSPECTION_BUDGET_MS, signal }, (inTime) => view.read(namespace, names, inTime));
  }

  /** No pod waits for it: it takes turns, so that a recheck of everything topples no registry. */
  async #inspect(
    reference: string,
    { secrets, complete }: PullSecretsResult,
    signal: AbortSignal,
  ): Promise<Inspection> {
    const inspection = await this.#options.inspector.inspect({
      reference,
      pullSecrets: secrets,
      priority: 'background',
      budgetMs: INSPECTION_BUDGET_MS,
      signal,
    });
    return complete ? inspection : withoutSomeCredentials(inspection);
  }
}
