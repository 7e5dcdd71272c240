import type { Clock } from '@archpolicy/async';
import type { CertificateFacts, CertificateLifetimes } from '@archpolicy/core';
import { bodyOrThrow, resourcePath, SECRETS, WEBHOOK_CONFIGURATIONS } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';
import { WEBHOOK } from '@archpolicy/process';
import { parseAuthority, parseBundle, parseServing } from './certificate-content.ts';
import type { KnownCertificate } from './certificate-content.ts';
import { parseConfiguration } from './installed-configuration.ts';
import type { InstalledConfiguration } from './installed-configuration.ts';
import { ObservedValue } from './observations.ts';
import { AUTHORITY_SECRET, parseSecret, SERVING_SECRET } from './secret-object.ts';
import type { StoredSecret } from './secret-object.ts';

/** The name of the webhook configuration. */
export const CONFIGURATION = 'archpolicy';
export const TIMEOUT_MS = 5_000;
/** Maximum size of a response. An object takes at most 1.5 MB in etcd, and somewhat more as JSON. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Maximum number of names in a certificate. Our configuration has one or two. */
const MAX_NAMES = 16;

/** The facts, and the objects that they are about. */
export interface Gathered {
  readonly facts: CertificateFacts;
  /** The time of the API server. */
  readonly nowMs: number;
  readonly configuration: InstalledConfiguration | undefined;
  readonly authority: StoredSecret | undefined;
  readonly serving: StoredSecret | undefined;
  /** The CAs in the Secret of the CA, the one that signs first, and in the bundles. */
  readonly authorities: readonly KnownCertificate[];
  /** The names by which the API server calls the webhook. */
  readonly names: readonly string[];
}

export interface CertificateGathererOptions {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
  readonly lifetimes: CertificateLifetimes;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Reads the webhook configuration, both Secrets and the time of the API server. */
export class CertificateGatherer {
  readonly #options: CertificateGathererOptions;
  readonly #trusted: ObservedValue;
  readonly #stored: ObservedValue;

  constructor(options: CertificateGathererOptions) {
    this.#options = options;
    this.#trusted = new ObservedValue(options.clock);
    this.#stored = new ObservedValue(options.clock);
  }

  /**
   * Reads the configuration first: a CA is written to its Secret before it is added to the bundles. In this order, a CA that another
   * replica has just added is never taken for a foreign one.
   *
   * @throws KubeError if an object cannot be read
   */
  async gather(signal: AbortSignal): Promise<Gathered> {
    const configuration = await this.readConfiguration(signal);
    const authority = await this.#readSecret(AUTHORITY_SECRET, signal);
    const answer = await this.#get(
      resourcePath(SECRETS, { namespace: this.#options.namespace, name: SERVING_SECRET }),
      signal,
    );
    const localMs = this.#options.clock.now();
    const nowMs = answer.dateMs ?? localMs;
    const serving = toSecret(answer, SERVING_SECRET);
    return this.#assemble({ configuration, authority, serving, nowMs, clockSkewMs: localMs - nowMs });
  }

  /** Returns undefined if the configuration is missing. Throws a KubeError if it cannot be read. */
  async readConfiguration(signal: AbortSignal): Promise<InstalledConfiguration | undefined> {
    const answer = await this.#get(resourcePath(WEBHOOK_CONFIGURATIONS, { name: CONFIGURATION }), signal);
    return isMissing(answer) ? undefined : parseConfiguration(bodyOrThrow(answer));
  }

  async #readSecret(name: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
    const { namespace } = this.#options;
    return toSecret(await this.#get(resourcePath(SECRETS, { namespace, name }), signal), name);
  }

  #assemble(
    read: Pick<Gathered, 'configuration' | 'authority' | 'serving' | 'nowMs'> & { clockSkewMs: number },
  ): Gathered {
    const { configuration, authority, serving, nowMs, clockSkewMs } = read;
    const entries = configuration?.entries ?? [];
    const bundles = entries.map(({ bundle }) => parseBundle(bundle));
    const ca = parseAuthority(authority);
    const authorities = [...ca.certificates, ...bundles.flatMap(({ certificates }) => certificates)];
    const names = this.#names(entries.map(({ host }) => host));
    const leaf = parseServing(serving, names, authorities);
    const signing = ca.fact.kind === 'usable' ? ca.fact.signing.id : undefined;
    const isTrusted = bundles.every(({ fact }) => fact.certificates.some(({ id }) => id === signing));
    const facts = {
      ...{ authority: ca.fact, serving: leaf.fact, bundles: bundles.map(({ fact }) => fact) },
      authorityTrustedForMs: this.#trusted.observe(isTrusted ? signing : undefined),
      servingStoredForMs: this.#stored.observe(leaf.id),
      ...{ clockSkewMs, lifetimes: this.#options.lifetimes },
    };
    return { facts, nowMs, configuration, authority, serving, authorities, names };
  }

  /** The webhook's Service is always included, so that a configuration that is applied later finds its name. */
  #names(hosts: readonly (string | undefined)[]): readonly string[] {
    const all = [`${WEBHOOK}.${this.#options.namespace}.svc`, ...hosts.filter((host) => host !== undefined)];
    return [...new Set(all)].slice(0, MAX_NAMES);
  }

  #get(path: string, signal: AbortSignal): Promise<ApiResponse> {
    return this.#options.api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  }
}

function toSecret(answer: ApiResponse, name: string): StoredSecret | undefined {
  return isMissing(answer) ? undefined : parseSecret(bodyOrThrow(answer), name);
}

function isMissing(answer: ApiResponse): boolean {
  return answer.kind === 'refused' && answer.status === 404;
}
