import type { Clock } from '@archpolicy/async';
import { isObjectName, pullSecretNames, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { SECRETS, SERVICE_ACCOUNTS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { ReadThroughCache } from './read-through-cache.ts';
import type { ReadResult, ParsedObject, ReadOutcome } from './read-through-cache.ts';
import { parsePullSecret } from './secret-content.ts';
import type { PullSecretContent } from './secret-content.ts';

/** The pull secrets of a pod. */
export interface PullSecretsResult {
  /** In the order in which the pod names them. */
  readonly secrets: readonly PullSecretContent[];
  /**
   * False when the API server did not say of each what is in it, or not in time: the missing one may be the one that shows
   * the image. One that does not exist or may not be read is missing for good.
   */
  readonly complete: boolean;
}

/** Pull secrets by name. The names must be the pod's own, and the namespace the pod's: nothing else is any of its business. */
export interface PullSecretView {
  /** What is at hand; undefined when something has to be read first. Waits for nothing. */
  peek(namespace: string, names: readonly string[]): PullSecretsResult | undefined;
  /** What is at hand, and the rest as read until the signal aborts. Never rejects. */
  read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsResult>;
  /**
   * What a pod of this template would have: the API server gives a pod without any the pull secrets of its ServiceAccount.
   * Never rejects.
   * @param spec the pod spec of the template
   */
  readForTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsResult>;
}

export interface PullSecretViewOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Told of each read of a Secret. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

const NONE: PullSecretsResult = { secrets: [], complete: true };

const DEFAULT_ACCOUNT = 'default';

/** Pull secrets and what ServiceAccounts name, kept for a minute. Nothing is listed or watched, nothing read ahead. */
export class CachedPullSecrets implements PullSecretView {
  readonly #secrets: ReadThroughCache<PullSecretContent>;
  readonly #accounts: ReadThroughCache<readonly string[]>;

  constructor({ onRead, ...options }: PullSecretViewOptions) {
    const observer = onRead === undefined ? {} : { onRead };
    this.#secrets = new ReadThroughCache({ ...options, ...observer, resource: SECRETS, parse: parsePullSecret });
    this.#accounts = new ReadThroughCache({ ...options, resource: SERVICE_ACCOUNTS, parse: parseAccount });
  }

  peek(namespace: string, names: readonly string[]): PullSecretsResult | undefined {
    if (names.length === 0) return NONE;
    const found: ReadResult<PullSecretContent>[] = [];
    for (const name of names) {
      const result = this.#secrets.peek(namespace, name);
      if (result === undefined) return undefined;
      found.push(result);
    }
    return collect(found);
  }

  async read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsResult> {
    return collect(await Promise.all(names.map((name) => this.#secrets.read(namespace, name, signal))));
  }

  async readForTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsResult> {
    const names = pullSecretNames(spec);
    if (names.length > 0) return this.read(namespace, names, signal);
    const account = textAt(spec, 'serviceAccountName') ?? DEFAULT_ACCOUNT;
    if (!isObjectName(account)) return NONE;
    const result = await this.#accounts.read(namespace, account, signal);
    if (result.kind === 'unavailable') return { secrets: [], complete: false };
    return result.kind === 'found' ? this.read(namespace, result.value, signal) : NONE;
  }
}

function parseAccount(raw: JsonObject): ParsedObject<readonly string[]> {
  const names = pullSecretNames(raw);
  return { value: names, bytes: names.join('').length * 2 };
}

function collect(result: readonly ReadResult<PullSecretContent>[]): PullSecretsResult {
  const secrets = result.flatMap((one) => (one.kind === 'found' ? [one.value] : []));
  return { secrets, complete: result.every(({ kind }) => kind !== 'unavailable') };
}
