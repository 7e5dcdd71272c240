import type { Clock } from '@archpolicy/async';
import { controllerKey, violatesArchitectureTerms, findTopController } from '@archpolicy/core';
import type { EvictionLedger, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { ViolationKind } from '../../reporting/brake-metrics.ts';
import { readSameNode } from '../evaluation/current-node.ts';
import type { EvictionContext } from '../evaluation/context-gatherer.ts';
import type { Evaluation } from '../evaluation/pod-evaluator.ts';
import type { NodeReader, Nodes, Webhook } from '../ports.ts';
import type { ReplacementState } from './replacements.ts';

export interface PlacementViolationsOptions {
  readonly nodes: Pick<Nodes, 'get'>;
  readonly reader: NodeReader;
  readonly webhook: Pick<Webhook, 'confirmNow'>;
  readonly ledger: Pick<EvictionLedger, 'recordViolation'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * R7: detects the violations that the brake counts. A violation of either kind counts only if the watch showed the pod
 * first without a node and then with a node. A pod that was created with `spec.nodeName` does not count, because its
 * owner placed it, not the webhook and the scheduler.
 */
export class PlacementViolations {
  readonly #options: PlacementViolationsOptions;
  /**
   * UIDs of pods that were bound to a node although their own terms exclude it, by the pod's key. A UID is kept until
   * the pod is evaluated.
   */
  readonly #excludedBindings = new Map<string, string>();

  constructor(options: PlacementViolationsOptions) {
    this.#options = options;
  }

  /**
   * Compares the terms of a newly bound pod with its node. Must be called at once when the watch shows the binding,
   * because a node's labels can change later.
   */
  onBound(pod: PodFacts): void {
    const node = pod.nodeName === undefined ? undefined : this.#options.nodes.get(pod.nodeName);
    if (node !== undefined && violatesArchitectureTerms(pod, node)) this.#excludedBindings.set(podKey(pod), pod.uid);
  }

  /**
   * Returns the violation that an evaluated pod shows, according to the watches. {@link confirm} decides whether the
   * violation counts.
   */
  detect(
    { key, pod }: EvictionContext,
    evaluation: Evaluation,
    replacement: ReplacementState | undefined,
  ): ViolationKind | undefined {
    const uid = this.#excludedBindings.get(key);
    this.forget(key);
    if (uid === pod.uid) return 'against-terms';
    return replacement?.kind === 'landed' && isAttributable(replacement, evaluation) ? 'landed-wrong' : undefined;
  }

  /**
   * Returns whether a violation counts. It does not count if another node of the same name has replaced the pod's node.
   * A violation `landed-wrong` counts only if a probe of the webhook succeeds now, because the webhook may have become
   * unreachable since the eviction. If the node cannot be read, the violation counts, because a stop of evictions is
   * the safe outcome.
   */
  async confirm({ node }: EvictionContext, kind: ViolationKind, signal: AbortSignal): Promise<boolean> {
    const { webhook, reader } = this.#options;
    if (kind === 'landed-wrong' && !(await webhook.confirmNow(signal))) return false;
    if (node === undefined) return true;
    const current = await readSameNode(reader, node, signal).catch(() => node);
    return current !== undefined;
  }

  /** Counts a violation towards the brake. */
  record(pod: PodFacts): void {
    const { ledger, clock } = this.#options;
    const owner = controllerKey(findTopController(pod));
    ledger.recordViolation({ pod: pod.uid, owner, namespace: pod.namespace }, clock.monotonic());
  }

  /** Drops the binding of a pod that was deleted or has no governing policy. */
  forget(key: string): void {
    this.#excludedBindings.delete(key);
  }
}

/**
 * Whether the webhook or the scheduler caused the wrong node of the replacement. A replacement that bypassed the webhook
 * counts, too: if the webhook is reachable, the API server should have called it. False for a replacement with a broken
 * image, because its node is right. Also false for a replacement that would not be evicted, for example because its
 * owner has chosen the node's architecture since the eviction.
 */
function isAttributable(
  { landing, observedUnbound }: Extract<ReplacementState, { kind: 'landed' }>,
  { decision }: Evaluation,
): boolean {
  const isWrong = landing === 'wrong' || landing === 'bypassed';
  return isWrong && observedUnbound && (decision.kind === 'evict' || decision.kind === 'wait');
}
