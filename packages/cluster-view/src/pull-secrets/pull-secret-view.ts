import type { Clock } from '@archpolicy/async';
import { isObjectName, pullSecretNames, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { SECRETS, SERVICE_ACCOUNTS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { KeptObjects } from './kept-objects.ts';
import type { Known, Parsed, ReadOutcome } from './kept-objects.ts';
import { parsePullSecret } from './secret-content.ts';
import type { PullSecretContent } from './secret-content.ts';

/** The pull secrets of a pod. */
export interface PullSecretsFound {
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
  atHand(namespace: string, names: readonly string[]): PullSecretsFound | undefined;
  /** What is at hand, and the rest as read until the signal aborts. Never rejects. */
  read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsFound>;
  /**
   * What a pod of this template would have: the API server gives a pod without any the pull secrets of its ServiceAccount.
   * Never rejects.
   * @param spec the pod spec of the template
   */
  ofTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsFound>;
}

export interface PullSecretViewOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Told of each read of a Secret. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

const NONE: PullSecretsFound = { secrets: [], complete: true };

const DEFAULT_ACCOUNT = 'default';

/** Pull secrets and what ServiceAccounts name, kept for a minute. Nothing is listed or watched, nothing read ahead. */
export class KeptPullSecrets implements PullSecretView {
  readonly #secrets: KeptObjects<PullSecretContent>;
  readonly #accounts: KeptObjects<readonly string[]>;

  constructor({ onRead, ...options }: PullSecretViewOptions) {
    const told = onRead === undefined ? {} : { onRead };
    this.#secrets = new KeptObjects({ ...options, ...told, resource: SECRETS, parse: parsePullSecret });
    this.#accounts = new KeptObjects({ ...options, resource: SERVICE_ACCOUNTS, parse: parseAccount });
  }

  atHand(namespace: string, names: readonly string[]): PullSecretsFound | undefined {
    if (names.length === 0) return NONE;
    const found: Known<PullSecretContent>[] = [];
    for (const name of names) {
      const known = this.#secrets.atHand(namespace, name);
      if (known === undefined) return undefined;
      found.push(known);
    }
    return collect(found);
  }

  async read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsFound> {
    return collect(await Promise.all(names.map((name) => this.#secrets.read(namespace, name, signal))));
  }

  async ofTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsFound> {
    const names = pullSecretNames(spec);
    if (names.length > 0) return this.read(namespace, names, signal);
    const account = textAt(spec, 'serviceAccountName') ?? DEFAULT_ACCOUNT;
    if (!isObjectName(account)) return NONE;
    const known = await this.#accounts.read(namespace, account, signal);
    if (known.kind === 'unavailable') return { secrets: [], complete: false };
    return known.kind === 'found' ? this.read(namespace, known.value, signal) : NONE;
  }
}

function parseAccount(raw: JsonObject): Parsed<readonly string[]> {
  const names = pullSecretNames(raw);
  return { value: names, bytes: names.join('').length * 2 };
}

function collect(known: readonly Known<PullSecretContent>[]): PullSecretsFound {
  const secrets = known.flatMap((one) => (one.kind === 'found' ? [one.value] : []));
  return { secrets, complete: known.every(({ kind }) => kind !== 'unavailable') };
}
