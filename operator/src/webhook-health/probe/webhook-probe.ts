import type { Clock } from '@archpolicy/async';
import { DIAGNOSIS_LABELS, DIAGNOSIS_WEBHOOK } from '@archpolicy/core';
import { createProbePod } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { quotableWords } from './api-server-words.ts';
import { parseProbeResponse } from './probe-verdict.ts';
import type { ProbeVerdict } from './probe-verdict.ts';
import { causeFromDuration, causeFromWords } from './unreachable-cause.ts';
import type { Diagnosis } from './unreachable-cause.ts';

/** How the API server calls the webhook. */
export interface WebhookCalls {
  readonly timeoutMs: number;
  /** Whether the API server reports failed calls of dry runs with `DIAGNOSIS_LABELS`. */
  readonly isReported: boolean;
}

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
   */
  async diagnose(durationMs: number, calls: WebhookCalls, signal: AbortSignal): Promise<Diagnosis> {
    const error = calls.isReported ? await this.#reportedError(signal) : undefined;
    if (error === undefined) return { cause: causeFromDuration(durationMs, calls.timeoutMs), words: '' };
    return { cause: causeFromWords(error), words: quotableWords(error) };
  }

  /**
   * Returns the API server's error of its call of the webhook. Returns undefined if it reports none, for example because
   * it reaches the webhook now.
   */
  async #reportedError(signal: AbortSignal): Promise<string | undefined> {
    try {
      const response = await createProbePod(this.#options.api, signal, { labels: DIAGNOSIS_LABELS });
      return response.kind === 'ok' ? undefined : parseCallError(response.message);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }
}

/**
 * Parses the message with which the API server rejects a pod because it could not call the webhook.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/util/webhook/error.go (`ErrCallingWebhook`)
 * @example Internal error occurred: failed calling webhook "probe.archpolicy.dev": failed to call webhook: Post
 *   "https://archpolicy-webhook.archpolicy-system.svc:443/mutate?timeout=2s": context deadline exceeded
 */
function parseCallError(message: string): string | undefined {
  const [, error] = message.split(`failed calling webhook "${DIAGNOSIS_WEBHOOK}": `, 2);
  return error;
}
