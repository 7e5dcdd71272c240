import { architectureToleration, parseLiftResponse } from '@archpolicy/core';
import type { JsonObject, NodeArchitecture } from '@archpolicy/core';
import { createProbePod } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { errorKind, RepeatedFailureLog } from '../repeated-failure-log.ts';
import { quotableWords } from './probe/api-server-words.ts';

/** Whether the API server admits pods with our tolerations (PL8). */
export type TolerationProbeResult =
  | { readonly kind: 'accepted' }
  /** `words` is the API server's message, sanitized. */
  | { readonly kind: 'refused'; readonly words: string };

export interface TolerationProbeOptions {
  readonly api: Pick<Api, 'request'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/**
 * PL8: creates a pod with the tolerations and `dryRun=All`. So it also detects when the API server accepts tolerations
 * that it rejected before. A rejection counts only if the same pod is admitted without tolerations and then rejected
 * again with them. A single response is not sufficient, because the status 500, with which PodTolerationRestriction
 * rejects a pod, is also the response of an overloaded API server (adr/0100).
 */
export class TolerationProbe {
  readonly #options: TolerationProbeOptions;
  readonly #failures: RepeatedFailureLog;

  constructor(options: TolerationProbeOptions) {
    this.#options = options;
    this.#failures = new RepeatedFailureLog(options.logger);
  }

  /**
   * Returns the result, or undefined if the probe has no verdict.
   *
   * @throws only when the signal is aborted
   */
  async probe(
    architectures: readonly NodeArchitecture[],
    signal: AbortSignal,
  ): Promise<TolerationProbeResult | undefined> {
    const { api } = this.#options;
    const tolerating = { spec: { tolerations: architectures.map<JsonObject>(architectureToleration) } };
    try {
      const first = await createProbePod(api, signal, tolerating);
      this.#failures.succeeded('toleration probe has a response again');
      if (first.kind === 'ok') return { kind: 'accepted' };
      if (!mayBeRefusal(first)) return undefined;
      const without = await createProbePod(api, signal);
      if (without.kind !== 'ok') return undefined;
      const second = await createProbePod(api, signal, tolerating);
      if (second.kind === 'ok') return { kind: 'accepted' };
      if (!mayBeRefusal(second)) return undefined;
      return { kind: 'refused', words: quotableWords(second.message) };
    } catch (err) {
      signal.throwIfAborted();
      this.#failures.failed(errorKind(err), { err }, 'toleration probe failed');
      return undefined;
    }
  }
}

function mayBeRefusal({ status }: ApiResponse): boolean {
  return parseLiftResponse(status).kind !== 'transient-error';
}
