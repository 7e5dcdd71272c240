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
 * R7: detects the violations that the brake counts. Both kinds require that the watch showed the pod first without a node and then
 * with one: a pod that was created with `spec.nodeName` was placed by its owner, not by webhook and scheduler.
 */
export class PlacementViolations {
  readonly #options: PlacementViolationsOptions;
  /** UIDs of pods that were bound to a node that their own terms exclude, by key, until they are evaluated. */
  readonly #excludedBindings = new Map<string, string>();

  constructor(options: PlacementViolationsOptions) {
    this.#options = options;
  }

  /** The watch has shown the pod's binding. Compares its terms with its node at once, because a node's labels can change later. */
  onBound(pod: PodFacts): void {
    const node = pod.nodeName === undefined ? undefined : this.#options.nodes.get(pod.nodeName);
    if (node !== undefined && violatesArchitectureTerms(pod, node)) this.#excludedBindings.set(podKey(pod), pod.uid);
  }

  /**
   * Returns the violation of an evaluated pod, according to the watches. {@link confirm} decides whether it counts.
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
   * Whether a violation counts. It does not if the node has been replaced by another one of its name. `landed-wrong` counts only if a
   * probe of the webhook succeeds now: the webhook may have become unreachable since the eviction. If the node cannot be read, the
   * violation counts: the brake is the safe side.
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

  /** For a pod that was deleted, or has no governing policy. */
  forget(key: string): void {
    this.#excludedBindings.delete(key);
  }
}

/**
 * Whether webhook or scheduler placed the replacement on the wrong node. A broken image does not count: its node is right. Neither does
 * a replacement that would not be evicted, such as one whose owner has since chosen the architecture.
 */
function isAttributable(
  { landing, observedUnbound }: Extract<ReplacementState, { kind: 'landed' }>,
  { decision }: Evaluation,
): boolean {
  return landing === 'wrong' && observedUnbound && (decision.kind === 'evict' || decision.kind === 'wait');
}
