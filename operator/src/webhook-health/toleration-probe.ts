import { architectureToleration, readLiftAnswer } from '@archpolicy/core';
import type { JsonObject, NodeArchitecture } from '@archpolicy/core';
import type { Api, ApiAnswer } from '@archpolicy/kube';
import { sanitizeText } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';
import { createProbePod } from './probe-pod.ts';

/** Longer would hide the rest of the condition's message. */
const MAX_WORDS = 300;

/** Whether the API server admits pods that carry our tolerations (PL8). */
export type TolerationProbeResult =
  | { readonly kind: 'accepted' }
  /** `words`: of the API server, sanitised. */
  | { readonly kind: 'refused'; readonly words: string };

export interface TolerationProbeOptions {
  readonly api: Pick<Api, 'request'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * PL8: creates a pod with `dryRun=All` that carries the tolerations itself, so that it shows when they are accepted again. A
 * refusal is one of the tolerations only where the same pod is accepted without them, and refused again after that: an API
 * server in trouble answers 500, as PodTolerationRestriction does (adr/0100).
 */
export class TolerationProbe {
  readonly #options: TolerationProbeOptions;

  constructor(options: TolerationProbeOptions) {
    this.#options = options;
  }

  /**
   * The result, or undefined: no verdict.
   *
   * @throws only when the signal is aborted
   */
  async probe(
    architectures: readonly NodeArchitecture[],
    signal: AbortSignal,
  ): Promise<TolerationProbeResult | undefined> {
    const { api, logger } = this.#options;
    const tolerating = { tolerations: architectures.map<JsonObject>(architectureToleration) };
    try {
      const first = await createProbePod(api, signal, tolerating);
      if (first.kind === 'ok') return { kind: 'accepted' };
      if (!mayBeRefusal(first)) return undefined;
      const without = await createProbePod(api, signal);
      if (without.kind !== 'ok') return undefined;
      const second = await createProbePod(api, signal, tolerating);
      if (second.kind === 'ok') return { kind: 'accepted' };
      if (!mayBeRefusal(second)) return undefined;
      const words = sanitizeText(second.message, MAX_WORDS);
      logger.warn({ status: second.status, architectures, words }, 'tolerations of architecture taints rejected');
      return { kind: 'refused', words };
    } catch (err) {
      signal.throwIfAborted();
      logger.warn({ err }, 'toleration probe failed');
      return undefined;
    }
  }
}

function mayBeRefusal({ status }: ApiAnswer): boolean {
  return readLiftAnswer(status).kind !== 'trouble';
}
