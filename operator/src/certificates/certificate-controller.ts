import type { Clock } from '@archpolicy/async';
import { planCertificates } from '@archpolicy/core';
import type { CertificateLifetimes } from '@archpolicy/core';
import { KubeError } from '@archpolicy/kube';
import type { Api, OwnerReference } from '@archpolicy/kube';
import { RepeatedFailureLog } from '../repeated-failure-log.ts';
import { ensureCacheSecret } from './cache-secret.ts';
import { CertificateReporter } from './certificate-reporter.ts';
import type { CertificateReporterOptions } from './certificate-reporter.ts';
import { CertificateGatherer } from './gatherer.ts';
import type { Gathered } from './gatherer.ts';
import { describeFailure, describeSkipped } from './messages.ts';
import { AUTHORITY_SECRET, CACHE_SECRET, SERVING_SECRET } from './secret-object.ts';
import { SecretWriter } from './secret-writer.ts';
import { CertificateWriter } from './writer.ts';

/** Interval of the checks. */
const CHECK_MS = 60_000;
/**
 * Interval at which the webhook configuration is read, because a configuration that was applied again has no bundle. The read is a small GET.
 * A watch would need the right to list configurations.
 */
const CONFIGURATION_CHECK_MS = 5_000;
/** Delays of the retries after a failure or a conflict. Later ones follow once a minute. */
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** Maximum number of steps of one check. An installation needs four. */
const MAX_STEPS = 10;

export interface CertificateControllerOptions extends CertificateReporterOptions {
  readonly api: Pick<Api, 'request'>;
  readonly lifetimes: CertificateLifetimes;
  /** The Deployments with which the Secrets are deleted; undefined while they are unknown, or if there are none. */
  readonly owners: Readonly<Record<'operator' | 'webhook', () => OwnerReference | undefined>>;
  readonly clock: Clock;
}

/** The state of the certificates for the statuses of policies. */
export interface CertificateState {
  /** Why the certificates cannot be kept in order; undefined if they can. */
  readonly problem: string | undefined;
  subscribe(listener: (value: undefined) => void): () => void;
}

/** With ARCHPOLICY_CERTIFICATES=external. */
export const NO_CERTIFICATES: CertificateState = { problem: undefined, subscribe: () => () => undefined };

/**
 * Issues and rotates the webhook's certificates, and keeps the `caBundle` in step. Runs in each replica, with or without the Lease and the
 * views: it needs two Secrets and one webhook configuration, whose resource versions decide races. Otherwise, a LIST that fails for
 * days would let the certificates expire.
 */
export class CertificateController implements CertificateState {
  readonly #options: CertificateControllerOptions;
  readonly #gatherer: CertificateGatherer;
  readonly #secrets: Readonly<Record<'authority' | 'serving' | 'cache', SecretWriter>>;
  readonly #writer: CertificateWriter;
  readonly #reporter: CertificateReporter;
  readonly #failures: RepeatedFailureLog;
  #retries = 0;
  #seen: Gathered | undefined;

  constructor(options: CertificateControllerOptions) {
    this.#options = options;
    this.#gatherer = new CertificateGatherer(options);
    const { operator, webhook } = options.owners;
    const [authority, serving] = [
      new SecretWriter(options, AUTHORITY_SECRET, operator),
      new SecretWriter(options, SERVING_SECRET, webhook),
    ];
    this.#secrets = { authority, serving, cache: new SecretWriter(options, CACHE_SECRET, webhook) };
    this.#writer = new CertificateWriter({ ...options, authority, serving });
    this.#reporter = new CertificateReporter(options);
    this.#failures = new RepeatedFailureLog(options.logger);
  }

  get problem(): string | undefined {
    return this.#reporter.problem;
  }

  subscribe(listener: (value: undefined) => void): () => void {
    return this.#reporter.subscribe(listener);
  }

  /** Checks until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delayMs = await this.#check(signal);
      await this.#waitForChange(delayMs, signal);
    }
  }

  /** Returns the delay until the next check. */
  async #check(signal: AbortSignal): Promise<number> {
    try {
      const delayMs = await this.#takeSteps(signal);
      if (delayMs === undefined) return this.#retryDelay('other writers change the objects at the same time');
      await this.#adopt(signal);
      await ensureCacheSecret(this.#options, this.#secrets.cache, signal);
      this.#retries = 0;
      this.#failures.succeeded('certificates of the webhook checked again');
      return delayMs;
    } catch (err) {
      if (signal.aborted) return 0;
      const failure = describeError(err);
      this.#failures.failed(failure, { err }, 'failed to check the certificates of the webhook');
      return this.#retryDelay(failure);
    }
  }

  /** Takes steps until there is nothing more to do. Returns the delay until the next check; undefined after a conflict. */
  async #takeSteps(signal: AbortSignal): Promise<number | undefined> {
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const gathered = await this.#gatherer.gather(signal);
      this.#seen = gathered;
      this.#reporter.gathered(gathered);
      const plan = planCertificates(gathered.facts, gathered.nowMs);
      if (plan.kind === 'leave-alone') {
        this.#reporter.setProblem(describeSkipped(plan, this.#options.namespace), gathered);
        return CHECK_MS;
      }
      if (plan.kind === 'keep') {
        this.#reporter.setProblem(undefined);
        return Math.min(plan.reviewInMs ?? CHECK_MS, CHECK_MS);
      }
      if ((await this.#writer.write(plan, gathered, signal)) === 'conflict') return undefined;
      this.#reporter.changed(plan, gathered);
    }
    return undefined;
  }

  /** Adds the owners to Secrets that do not have them, for example after a Deployment was deleted and created again. */
  async #adopt(signal: AbortSignal): Promise<void> {
    const { authority, serving } = this.#seen ?? {};
    if (authority !== undefined) await this.#secrets.authority.adopt(authority, signal);
    if (serving !== undefined) await this.#secrets.serving.adopt(serving, signal);
  }

  #retryDelay(failure: string): number {
    const delayMs = RETRY_MS[this.#retries];
    this.#retries += 1;
    if (delayMs !== undefined) return delayMs;
    this.#reporter.setProblem(describeFailure(failure, this.#options.namespace), this.#seen);
    return CHECK_MS;
  }

  /** Waits, at most until the webhook configuration has changed. */
  async #waitForChange(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonic() + delayMs;
    while (!signal.aborted && clock.monotonic() < untilMs) {
      const restMs = untilMs - clock.monotonic();
      await clock.sleep(Math.min(restMs, CONFIGURATION_CHECK_MS), signal).catch(() => undefined);
      if (restMs > CONFIGURATION_CHECK_MS && (await this.#hasChanged(signal))) return;
    }
  }

  /** Returns false, too, if the configuration cannot be read: the next check reports that. */
  async #hasChanged(signal: AbortSignal): Promise<boolean> {
    if (this.#retries > RETRY_MS.length) return false;
    try {
      const configuration = await this.#gatherer.readConfiguration(signal);
      return configuration?.resourceVersion !== this.#seen?.configuration?.resourceVersion;
    } catch {
      return false;
    }
  }
}

/** Of errors of the API client only the text without content of objects. */
function describeError(error: unknown): string {
  if (error instanceof KubeError) return error.message;
  return error instanceof Error ? error.name : 'unknown error';
}
