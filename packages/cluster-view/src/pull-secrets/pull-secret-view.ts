import type { Clock } from '@archpolicy/async';
import { isObjectName, pullSecretNames, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { SECRETS, SERVICE_ACCOUNTS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { ReadLimits } from './read-limits.ts';
import type { ReadPriority } from './read-limits.ts';
import { ReadThroughCache } from './read-through-cache.ts';
import type { ReadResult, ParsedObject, ReadOutcome } from './read-through-cache.ts';
import { parsePullSecret } from './secret-content.ts';
import type { PullSecretContent } from './secret-content.ts';

/** The pull secrets of a pod. */
export interface PullSecretsResult {
  /** In the order of the pod's imagePullSecrets. */
  readonly secrets: readonly PullSecretContent[];
  /**
   * Whether all secrets could be read in time. If not, an unread secret may contain the credential for the image. A
   * secret that does not exist or is forbidden counts as read.
   */
  readonly complete: boolean;
}

/**
 * Provides pull secrets by name. Pass only names from the pod itself, and the pod's namespace, so that tenants stay
 * isolated.
 */
export interface PullSecretView {
  /** Returns the cached secrets without waiting; undefined if one must be read first. */
  peek(namespace: string, names: readonly string[]): PullSecretsResult | undefined;
  /** Returns the cached secrets, and reads the others until the signal is aborted. Never rejects. */
  read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsResult>;
  /**
   * Returns the pull secrets that a pod of this template has. If the template names none, these are the pull secrets of
   * the ServiceAccount, which the API server adds to such a pod. Never rejects.
   * @param spec the pod spec of the template
   */
  readForTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsResult>;
}

export interface PullSecretViewOptions {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Called after each read of a Secret. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

const NONE: PullSecretsResult = { secrets: [], complete: true };

const DEFAULT_ACCOUNT = 'default';

interface Caches {
  readonly secrets: ReadThroughCache<PullSecretContent>;
  /** Which pull secrets ServiceAccounts name. */
  readonly accounts: ReadThroughCache<readonly string[]>;
}

/** Reads through the caches with one priority. */
class PrioritizedView implements PullSecretView {
  readonly #caches: Caches;
  readonly #priority: ReadPriority;

  constructor(caches: Caches, priority: ReadPriority) {
    this.#caches = caches;
    this.#priority = priority;
  }

  peek(namespace: string, names: readonly string[]): PullSecretsResult | undefined {
    if (names.length === 0) return NONE;
    const found: ReadResult<PullSecretContent>[] = [];
    for (const name of names) {
      const result = this.#caches.secrets.peek(namespace, name);
      if (result === undefined) return undefined;
      found.push(result);
    }
    return collect(found);
  }

  async read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<PullSecretsResult> {
    const how = { signal, priority: this.#priority };
    return collect(await Promise.all(names.map((name) => this.#caches.secrets.read(namespace, name, how))));
  }

  async readForTemplate(namespace: string, spec: JsonObject, signal: AbortSignal): Promise<PullSecretsResult> {
    const names = pullSecretNames(spec);
    if (names.length > 0) return this.read(namespace, names, signal);
    const account = textAt(spec, 'serviceAccountName') ?? DEFAULT_ACCOUNT;
    if (!isObjectName(account)) return NONE;
    const result = await this.#caches.accounts.read(namespace, account, { signal, priority: this.#priority });
    if (result.kind === 'unavailable') return { secrets: [], complete: false };
    return result.kind === 'found' ? this.read(namespace, result.value, signal) : NONE;
  }
}

/**
 * Caches pull secrets, and which pull secrets ServiceAccounts name, for a minute. Does not list, watch or prefetch. Its own
 * methods are for reads that a pod waits for.
 */
export class CachedPullSecrets extends PrioritizedView {
  /** For reads that no pod waits for. Fewer of them run at the same time, so that slow reads delay no other request. */
  readonly background: PullSecretView;

  constructor({ onRead, ...options }: PullSecretViewOptions) {
    const observer = onRead === undefined ? {} : { onRead };
    const limits = new ReadLimits();
    const caches: Caches = {
      secrets: new ReadThroughCache({ ...options, ...observer, limits, resource: SECRETS, parse: parsePullSecret }),
      accounts: new ReadThroughCache({ ...options, limits, resource: SERVICE_ACCOUNTS, parse: parseAccount }),
    };
    super(caches, 'urgent');
    this.background = new PrioritizedView(caches, 'background');
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
