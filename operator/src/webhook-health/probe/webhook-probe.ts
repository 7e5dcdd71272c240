import type { Clock } from '@archpolicy/async';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { createProbePod } from './probe-pod.ts';
import { parseProbeResponse } from './probe-verdict.ts';
import type { ProbeVerdict } from './probe-verdict.ts';
import { causeFromDuration } from './unreachable-cause.ts';
import type { Diagnosis } from './unreachable-cause.ts';

export interface WebhookProbeOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'debug'>;
  /** Counts a probe by its verdict. */
  readonly onProbe: (verdict: ProbeVerdict['kind']) => void;
}

/** R3: creates a pod with `dryRun=All` and checks that the webhook annotated it. */
export class WebhookProbe {
  readonly #options: WebhookProbeOptions;

  constructor(options: WebhookProbeOptions) {
    this.#options = options;
  }

  /** @throws only when the signal is aborted */
  async probe(signal: AbortSignal): Promise<ProbeVerdict> {
    const verdict = await this.#probe(signal);
    this.#options.onProbe(verdict.kind);
    // The log has a line for each change (WebhookReporter), not for each probe.
    this.#options.logger.debug(verdict, 'webhook probed');
    return verdict;
  }

  async #probe(signal: AbortSignal): Promise<ProbeVerdict> {
    const { api, clock } = this.#options;
    const startedAt = clock.monotonic();
    try {
      const response = await createProbePod(api, signal);
      return parseProbeResponse(response, clock.monotonic() - startedAt);
    } catch {
      signal.throwIfAborted();
      return { kind: 'no-verdict', status: undefined, words: 'no response', retryAfterMs: 0 };
    }
  }

  /**
   * Determines why the API server does not reach the webhook.
   *
   * @param durationMs the duration of the probe that found the webhook silent
   * @param timeoutMs the timeout of the API server's calls of the webhook
   */
  diagnose(durationMs: number, timeoutMs: number): Promise<Diagnosis> {
    return Promise.resolve({ cause: causeFromDuration(durationMs, timeoutMs), words: '' });
  }
}
