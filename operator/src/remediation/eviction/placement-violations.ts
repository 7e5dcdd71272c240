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
 * R7: detects what the brake counts. Both kinds require that the watch showed the pod first without a node and then with
 * one: a pod that was created with `spec.nodeName` was placed by its owner, and by neither webhook nor scheduler.
 */
export class PlacementViolations {
  readonly #options: PlacementViolationsOptions;
  /** UIDs of pods that were bound against their own terms, by key, until they are evaluated. */
  readonly #againstTerms = new Map<string, string>();

  constructor(options: PlacementViolationsOptions) {
    this.#options = options;
  }

  /** The watch has shown the pod's binding. Its terms are compared with its node now: a node's labels change later. */
  onBound(pod: PodFacts): void {
    const node = pod.nodeName === undefined ? undefined : this.#options.nodes.get(pod.nodeName);
    if (node !== undefined && violatesArchitectureTerms(pod, node)) this.#againstTerms.set(podKey(pod), pod.uid);
  }

  /**
   * Returns what an evaluated pod violates, as far as the watches have shown it: {@link confirm} decides whether it counts.
   */
  detect(
    { key, pod }: EvictionContext,
    evaluation: Evaluation,
    replacement: ReplacementState | undefined,
  ): ViolationKind | undefined {
    const uid = this.#againstTerms.get(key);
    this.forget(key);
    if (uid === pod.uid) return 'against-terms';
    return replacement?.kind === 'landed' && isAttributable(replacement, evaluation) ? 'landed-wrong' : undefined;
  }

  /**
   * Whether a violation counts. One by a node that is another one by now does not, and `landed-wrong` only if a probe of the
   * webhook, sent now, succeeds: it may have become unreachable since the eviction. A node that cannot be read counts as the
   * same one: the brake is for what is not understood.
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

  /** For a pod that was deleted, or that no policy governs. */
  forget(key: string): void {
    this.#againstTerms.delete(key);
  }
}

/**
 * Whether webhook or scheduler placed the replacement wrong. A broken image is its builder's fault, on the node that it was
 * meant for. A replacement that would not be evicted in any case, such as one whose owner has chosen the architecture by
 * now, landed as its owner wanted.
 */
function isAttributable(
  { landing, observedUnbound }: Extract<ReplacementState, { kind: 'landed' }>,
  { decision }: Evaluation,
): boolean {
  return landing === 'wrong' && observedUnbound && (decision.kind === 'evict' || decision.kind === 'wait');
}
