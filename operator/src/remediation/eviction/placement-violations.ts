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
 * R7: detects the violations that the brake counts. Both kinds require that the watch showed the pod first without a
 * node and then with one. A pod that was created with `spec.nodeName` does not count: its owner placed it, not the
 * webhook and the scheduler.
 */
export class PlacementViolations {
  readonly #options: PlacementViolationsOptions;
  /**
   * UIDs of pods that were bound to a node that the pod's own terms exclude, by key. Each is kept until its pod is
   * evaluated.
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

  /** Returns the violation of an evaluated pod according to the watches. {@link confirm} decides whether it counts. */
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
   * Returns whether a violation counts. It does not count if another node of the same name has replaced the node.
   * `landed-wrong` counts only if a probe of the webhook succeeds now, because the webhook may have become unreachable
   * since the eviction. If the node cannot be read, the violation counts, because a stop of evictions is the safe
   * outcome.
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
 * Whether the webhook or the scheduler placed the replacement on the wrong node. A replacement with a broken image does
 * not count, because its node is right. A replacement that would not be evicted does not count either, such as one
 * whose owner has since chosen the architecture.
 */
function isAttributable(
  { landing, observedUnbound }: Extract<ReplacementState, { kind: 'landed' }>,
  { decision }: Evaluation,
): boolean {
  return landing === 'wrong' && observedUnbound && (decision.kind === 'evict' || decision.kind === 'wait');
}
