import { withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { readPodLabels, objectAt, pullSecretNames, selectPolicy, withoutSomeCredentials } from '@archpolicy/core';
import type { Inspection, NamespaceFacts, PlacementInput } from '@archpolicy/core';
import type { PullSecretsResult } from '@archpolicy/cluster-view';
import type { Inspector } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import type { AdmissionRequest } from '../review/review.ts';
import type { ClusterViews, PullSecrets } from './ports.ts';
import { alwaysPulledImages } from './pull-policy.ts';

/** The input of a placement without the images. */
export interface PodContext extends Omit<PlacementInput, 'images'> {
  /** Whether the API server does not store the pod. */
  readonly isDryRun: boolean;
}

export interface InputGathererOptions {
  readonly views: ClusterViews;
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly pullSecrets: PullSecrets;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether pods may be gated. */
  readonly canGate: () => boolean;
}

/** Collects the input of a placement decision, from memory where possible. */
export class InputGatherer {
  readonly #options: InputGathererOptions;

  constructor(options: InputGathererOptions) {
    this.#options = options;
  }

  /**
   * Returns the context of the pod from memory: its namespace, its governing policy and the nodes. Returns undefined if
   * the namespace is not cached.
   */
  cachedContext(request: AdmissionRequest): PodContext | undefined {
    const namespaceFacts = this.#options.views.namespace(request.namespace);
    return namespaceFacts && this.buildContext(request, namespaceFacts);
  }

  /** Reads the namespace with one GET within the budget, and returns the context of the pod. */
  async fetchContext(request: AdmissionRequest, budgetMs: number): Promise<PodContext> {
    return this.buildContext(request, await this.#fetchNamespace(request.namespace, budgetMs));
  }

  /** Inspects the images concurrently within the budget, with the pod's own pull secrets. */
  async inspectImages(
    context: PodContext,
    names: readonly string[],
    budgetMs: number,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Inspection>> {
    const { pullSecrets, clock } = this.#options;
    if (names.length === 0) return new Map();
    const secretNames = pullSecretNames(objectAt(context.pod, 'spec'));
    const cached = pullSecrets.peek(context.namespace, secretNames);
    if (cached !== undefined) return this.#inspect(context, names, cached, budgetMs, signal);
    const startedAt = clock.monotonic();
    const found = await withTimeout({ clock, ms: budgetMs, signal }, (until) =>
      pullSecrets.read(context.namespace, secretNames, until),
    );
    const leftMs = Math.max(0, budgetMs - (clock.monotonic() - startedAt));
    return this.#inspect(context, names, found, leftMs, signal);
  }

  async #inspect(
    { pod, namespace, isDryRun }: PodContext,
    names: readonly string[],
    { secrets, complete }: PullSecretsResult,
    budgetMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Inspection>> {
    const { inspector } = this.#options;
    const images = new Map<string, Inspection>();
    const always = alwaysPulledImages(pod);
    const answers = await Promise.all(
      names.map((reference) =>
        inspector.inspect({
          reference,
          tenant: namespace,
          ...(isDryRun && { isDryRun }),
          budgetMs,
          ...(secrets.length > 0 && { pullSecrets: secrets }),
          ...(always.has(reference) && { pullPolicy: 'Always' }),
          ...(signal !== undefined && { signal }),
        }),
      ),
    );
    for (const [index, reference] of names.entries()) {
      const answer = answers[index];
      if (answer !== undefined) images.set(reference, complete ? answer : withoutSomeCredentials(answer));
    }
    return images;
  }

  buildContext(
    { namespace, dryRun, object: pod }: AdmissionRequest,
    namespaceFacts: NamespaceFacts | undefined,
  ): PodContext {
    const { views, canGate, clock } = this.#options;
    return {
      pod,
      namespace,
      operation: 'CREATE',
      namespaceFacts,
      policy: namespaceFacts && selectPolicy(views.policies(), namespaceFacts, readPodLabels(pod)),
      nodes: views.nodes(),
      canGate: canGate(),
      isDryRun: dryRun,
      nowMs: clock.now(),
    };
  }

  async #fetchNamespace(name: string, budgetMs: number): Promise<NamespaceFacts | undefined> {
    if (name === '' || budgetMs <= 0) return undefined;
    const { views, clock, logger } = this.#options;
    try {
      return await withTimeout({ clock, ms: budgetMs }, (signal) => views.fetchNamespace(name, signal));
    } catch (err) {
      logger.warn({ namespace: name, err }, 'failed to read namespace, leaving its pod unchanged');
      return undefined;
    }
  }
}
