import type { Clock } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { readOwner } from './owner-reference.ts';
import type { DeploymentLocation, OwnerReference } from './owner-reference.ts';

/** A Deployment can be deleted and created again while its pods continue to run (`--cascade=orphan`). */
const READ_EVERY_MS = 60_000;

export interface DeploymentOwnerOptions {
  readonly api: Pick<Api, 'request'>;
  readonly deployment: DeploymentLocation;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** The Deployment of this process, as last read. */
export class DeploymentOwner {
  readonly #options: DeploymentOwnerOptions;
  #reference: OwnerReference | undefined;

  constructor(options: DeploymentOwnerOptions) {
    this.#options = options;
  }

  /** Undefined before the first read, and if there is no such Deployment. A failed read keeps the last reference. */
  get reference(): OwnerReference | undefined {
    return this.#reference;
  }

  /** Reads the Deployment once. Does not throw. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { api, deployment, logger } = this.#options;
    try {
      this.#reference = await readOwner(api, deployment, signal);
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, deployment: deployment.name }, 'failed to read the Deployment');
    }
  }

  /** Reads the Deployment once a minute until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = (): boolean => signal.aborted;
    while (!aborted()) {
      await this.#options.clock.sleep(READ_EVERY_MS, signal).catch(() => undefined);
      if (!aborted()) await this.refresh(signal);
    }
  }
}
