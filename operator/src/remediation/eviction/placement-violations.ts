import { controllerKey, isAgainstTerms, topControllerOf } from '@archpolicy/core';
import type { EvictionLedger, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { Clock } from '@archpolicy/kube';
import type { Judgement, Material } from '../evaluation/pod-evaluator.ts';
import type { Nodes, Webhook } from '../ports.ts';
import type { ReplacementState } from './replacements.ts';

/** How a pod came to stand where it must not. */
export const FAULT_KINDS = ['landed-wrong', 'against-terms'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultsOptions {
  readonly nodes: Pick<Nodes, 'get'>;
  readonly ledger: Pick<EvictionLedger, 'fault'>;
  readonly webhook: Pick<Webhook, 'confirmNow'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly onFault: (kind: FaultKind, pod: PodFacts) => void;
}

/**
 * R7: finds what the brake counts. Both kinds need that the watch showed the pod first without a node and then with one:
 * a pod that was created with `spec.nodeName` is of its owner's choice, and neither webhook nor scheduler had a say.
 */
export class Faults {
  readonly #options: FaultsOptions;
  /** UIDs of pods that were bound against their own terms, by key, until they are looked at. */
  readonly #against = new Map<string, string>();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** The watch showed this pod's binding. Its node is judged as it is at that moment: terms are not asked again later. */
  bound(pod: PodFacts): void {
    const node = pod.nodeName === undefined ? undefined : this.#options.nodes.get(pod.nodeName);
    if (node !== undefined && isAgainstTerms(pod, node)) this.#against.set(podKey(pod), pod.uid);
  }

  /** A pod that a policy governs is looked at. A promise where the webhook has to be asked first. */
  look(
    { key, pod }: Material,
    judgement: Judgement,
    replacement: ReplacementState | undefined,
    signal: AbortSignal,
  ): Promise<void> | undefined {
    const against = this.#against.get(key);
    this.forget(key);
    if (against === pod.uid) this.#fault('against-terms', pod);
    else if (replacement?.kind === 'landed' && isWebhooks(replacement, judgement))
      return this.#landedWrong(pod, signal);
    return undefined;
  }

  /** The pod does not exist any more, or is nobody's business. */
  forget(key: string): void {
    this.#against.delete(key);
  }

  /** The webhook may have gone away meanwhile: only one that answers afterwards, too, was there. */
  async #landedWrong(pod: PodFacts, signal: AbortSignal): Promise<void> {
    if (await this.#options.webhook.confirmNow(signal)) this.#fault('landed-wrong', pod);
  }

  #fault(kind: FaultKind, pod: PodFacts): void {
    const { ledger, clock, onFault } = this.#options;
    const owner = controllerKey(topControllerOf(pod));
    ledger.fault({ pod: pod.uid, owner, namespace: pod.namespace }, clock.monotonic());
    onFault(kind, pod);
  }
}

/**
 * A broken image is its builder's fault, and on the node that it was meant for. A replacement that would stay in any case, such as one
 * whose owner has chosen by now, landed as its owner wanted.
 */
function isWebhooks(
  { landing, inSight }: Extract<ReplacementState, { kind: 'landed' }>,
  { decision }: Judgement,
): boolean {
  return landing === 'wrong' && inSight && (decision.kind === 'evict' || decision.kind === 'wait');
}
