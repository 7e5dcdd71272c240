import { isJsonObject, parseInstalledWebhook } from '@archpolicy/core';
import type { InstalledWebhook } from '@archpolicy/core';
import { resourcePath } from '@archpolicy/kube';
import type { Api, Clock, Resource } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';

const CONFIGURATIONS: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'mutatingwebhookconfigurations',
};
const NAME = 'archpolicy';
/**
 * One small GET of one object: RBAC for a watch would be that of all configurations. A change is seen before the second
 * eviction of an owner could follow the first.
 */
const REFRESH_MS = 2_000;
const READ_TIMEOUT_MS = 5_000;
/** An object is at most 1.5 MB in etcd, and somewhat more as JSON. */
const MAX_OBJECT_BYTES = 4 * 1024 * 1024;

export interface WebhookConfigurationOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  /** It is another than before. */
  readonly onChange: () => void;
}

/** R3: the installed MutatingWebhookConfiguration, kept fresh. */
export class WebhookConfiguration {
  readonly #options: WebhookConfigurationOptions;
  #installed: InstalledWebhook | undefined;
  #said = '';

  constructor(options: WebhookConfigurationOptions) {
    this.#options = options;
  }

  /** Undefined before it was read. One that cannot be read any more stays what it was. */
  get installed(): InstalledWebhook | undefined {
    return this.#installed;
  }

  /** Reads it again and again until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      await this.refresh(signal).catch((err: unknown) => {
        if (!signal.aborted) logger.warn({ err }, 'the webhook configuration could not be read');
      });
      await clock.sleep(REFRESH_MS, signal).catch(() => undefined);
    }
  }

  /** @throws when the API server cannot be asked */
  async refresh(signal: AbortSignal): Promise<void> {
    const { api, logger, onChange } = this.#options;
    const answer = await api.request({
      method: 'GET',
      path: resourcePath(CONFIGURATIONS, { name: NAME }),
      signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_OBJECT_BYTES,
    });
    if (answer.kind === 'refused' && answer.status !== 404) {
      logger.warn({ status: answer.status, reason: answer.reason }, 'the webhook configuration could not be read');
      return;
    }
    const body = answer.kind === 'ok' && isJsonObject(answer.body) ? answer.body : {};
    const installed = parseInstalledWebhook(body);
    const said = JSON.stringify(installed);
    if (said === this.#said) return;
    this.#said = said;
    this.#installed = installed;
    logger.info({ webhook: installed.kind }, 'webhook configuration read');
    onChange();
  }
}
