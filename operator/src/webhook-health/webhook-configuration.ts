import type { Clock } from '@archpolicy/async';
import { callTimeoutMs, isJsonObject, parseInstalledWebhook, reportsFailures } from '@archpolicy/core';
import type { InstalledWebhook } from '@archpolicy/core';
import { resourcePath, WEBHOOK_CONFIGURATIONS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { errorKind, RepeatedFailureLog } from '../repeated-failure-log.ts';
import { Listeners } from '../listeners.ts';
import { quotableWords } from './probe/api-server-words.ts';
import type { WebhookCalls } from './probe/webhook-probe.ts';

const NAME = 'archpolicy';
/**
 * Interval of the reads. Each read is a small GET of one object. A watch is not used, because it would need RBAC for
 * all configurations. The interval is short enough to detect a change between the first and second eviction of an
 * owner.
 */
const REFRESH_MS = 2_000;
const READ_TIMEOUT_MS = 5_000;
/** Maximum size of a response. An object takes at most 1.5 MB in etcd, and somewhat more as JSON. */
const MAX_OBJECT_BYTES = 4 * 1024 * 1024;

export interface WebhookConfigurationOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
}

/** R3: polls the installed MutatingWebhookConfiguration. */
export class WebhookConfiguration {
  readonly #options: WebhookConfigurationOptions;
  readonly #changes = new Listeners<InstalledWebhook>();
  #installed: InstalledWebhook | undefined;
  #calls: WebhookCalls = { timeoutMs: callTimeoutMs({}), isReported: false };
  /** The last value, as JSON. */
  #serialized = '';
  readonly #failures: RepeatedFailureLog;
  #failure: string | undefined;

  constructor(options: WebhookConfigurationOptions) {
    this.#options = options;
    this.#failures = new RepeatedFailureLog(options.logger);
  }

  /** The last value that was read; undefined before the first read. */
  get installed(): InstalledWebhook | undefined {
    return this.#installed;
  }

  /** How the API server calls the webhook. */
  get calls(): WebhookCalls {
    return this.#calls;
  }

  /** Why the last read failed; undefined if it did not fail. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Calls the listener with each changed value. Returns an unsubscribe function. */
  subscribe(listener: (installed: InstalledWebhook) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Polls until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.refresh(signal).catch((err: unknown) => {
        if (!signal.aborted) this.#failed(errorKind(err), 'no response', { err });
      });
      await clock.sleep(REFRESH_MS, signal).catch(() => undefined);
    }
  }

  /** @throws when the API server cannot be reached */
  async refresh(signal: AbortSignal): Promise<void> {
    const { api, logger } = this.#options;
    const answer = await api.request({
      method: 'GET',
      path: resourcePath(WEBHOOK_CONFIGURATIONS, { name: NAME }),
      signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_OBJECT_BYTES,
    });
    if (answer.kind === 'refused' && answer.status !== 404) {
      const { status, reason, message } = answer;
      const words = quotableWords(message === '' ? reason : message);
      this.#failed(`${status} ${reason}`, `status ${status}: ${words}`, { status, reason, words });
      return;
    }
    this.#failure = undefined;
    this.#failures.succeeded('webhook configuration read again');
    const body = answer.kind === 'ok' && isJsonObject(answer.body) ? answer.body : {};
    this.#calls = { timeoutMs: callTimeoutMs(body), isReported: reportsFailures(body) };
    const installed = parseInstalledWebhook(body);
    const serialized = JSON.stringify(installed);
    if (serialized === this.#serialized) return;
    this.#serialized = serialized;
    this.#installed = installed;
    logger.info({ webhook: installed.kind }, 'webhook configuration changed');
    this.#changes.notify(installed);
  }

  #failed(kind: string, failure: string, fields: Readonly<Record<string, unknown>>): void {
    this.#failure = failure;
    this.#failures.failed(kind, fields, 'failed to read the webhook configuration, using the last known value');
  }
}
