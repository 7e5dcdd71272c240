import { overriddenPlatforms, parseReference, withoutSomeCredentials } from '@archpolicy/core';
import type { ArchPolicy, Inspection, PodFacts } from '@archpolicy/core';
import type { PullSecretsFound, PullSecretView } from '@archpolicy/cluster-view';
import type { InspectRequest } from '@archpolicy/registry';
import type { PodImages } from './ports.ts';

/**
 * Enough for what is known and for a quick registry. A worker that waited for a slow one would keep other pods waiting:
 * the inspector goes on without it, and the pod finds the answer when it is looked at again.
 */
const INSPECTION_BUDGET_MS = 400;
/** As many as placement looks into: a pod is of a tenant's choice. */
const MAX_IMAGES = 256;
/** Waiting does not help. */
const TOO_MANY: Inspection = { kind: 'unresolved', reason: 'TooLarge' };

/** The part of the inspector that is used here. */
export interface ImageInspector {
  inspect(request: InspectRequest): Promise<Inspection>;
}

/** What the policy says of an image, else what its registry says; nothing of the images of a pod that has too many. */
export class InspectedImages implements PodImages {
  readonly #inspector: ImageInspector;
  readonly #pullSecrets: Pick<PullSecretView, 'atHand' | 'read'>;

  constructor(inspector: ImageInspector, pullSecrets: Pick<PullSecretView, 'atHand' | 'read'>) {
    this.#inspector = inspector;
    this.#pullSecrets = pullSecrets;
  }

  async of(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>> {
    if (pod.images.length > MAX_IMAGES) return new Map(pod.images.map((image) => [image, TOO_MANY]));
    const found = await this.#secretsOf(pod, signal);
    const answers = await Promise.all(
      pod.images.map(async (image) => {
        const known = overrideOf(image, policy) ?? (await this.#inspect(image, found, signal));
        return [image, known] as const;
      }),
    );
    return new Map(answers);
  }

  /** The API server copied those of the ServiceAccount into the pod when it was created. */
  async #secretsOf({ namespace, pullSecrets: names = [] }: PodFacts, signal: AbortSignal): Promise<PullSecretsFound> {
    const atHand = this.#pullSecrets.atHand(namespace, names);
    if (atHand !== undefined) return atHand;
    return this.#pullSecrets.read(
      namespace,
      names,
      AbortSignal.any([signal, AbortSignal.timeout(INSPECTION_BUDGET_MS)]),
    );
  }

  /** No pod waits for it: it takes turns, so that a recheck of everything topples no registry. */
  async #inspect(reference: string, { secrets, complete }: PullSecretsFound, signal: AbortSignal): Promise<Inspection> {
    const inspection = await this.#inspector.inspect({
      reference,
      pullSecrets: secrets,
      priority: 'background',
      budgetMs: INSPECTION_BUDGET_MS,
      signal,
    });
    return complete ? inspection : withoutSomeCredentials(inspection);
  }
}

function overrideOf(image: string, { spec }: ArchPolicy): Inspection | undefined {
  if (spec.images.length === 0) return undefined;
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') return undefined;
  const platforms = overriddenPlatforms(spec.images, parsed.reference);
  if (platforms === undefined) return undefined;
  // The policy speaks of whatever stands behind the reference: there is no digest to it.
  return {
    kind: 'resolved',
    facts: { digest: parsed.reference.digest ?? '', platforms, neutral: false },
    source: 'override',
    ageMs: 0,
  };
}
