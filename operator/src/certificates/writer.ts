import type { CertificatePlan } from '@archpolicy/core';
import { KubeError, resourcePath, SECRETS, WEBHOOK_CONFIGURATIONS } from '@archpolicy/kube';
import type { Api, ApiRequest } from '@archpolicy/kube';
import { AUTHORITY_SUBJECT } from './certificate-content.ts';
import { CONFIGURATION, TIMEOUT_MS } from './gatherer.ts';
import type { Gathered } from './gatherer.ts';
import { bundlePatch } from './installed-configuration.ts';
import { AUTHORITY_SECRET, newSecret, secretPatch, SERVING_SECRET } from './secret-object.ts';
import type { StoredSecret } from './secret-object.ts';

/** A plan that changes something. */
export type ChangePlan = Exclude<CertificatePlan, { kind: 'keep' | 'leave-alone' }>;

/** `conflict`: the object has changed since it was read, or another replica has created it. */
export type WriteOutcome = 'written' | 'conflict';

export interface CertificateWriterOptions {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
}

type Data = Readonly<Record<string, string>>;

/** Executes one step of a plan. Each write is rejected if another replica was faster. */
export class CertificateWriter {
  readonly #options: CertificateWriterOptions;

  constructor(options: CertificateWriterOptions) {
    this.#options = options;
  }

  /** @throws KubeError for any other response, or if there is none */
  async write(plan: ChangePlan, gathered: Gathered, signal: AbortSignal): Promise<WriteOutcome> {
    switch (plan.kind) {
      case 'issue-authority': {
        // Loaded when needed, which is once in months, because it takes several megabytes.
        const { issueAuthority } = await import('@archpolicy/tls/issue');
        const { certificate, key } = await issueAuthority({ subject: AUTHORITY_SUBJECT, validity: plan.validity });
        const data = { 'ca.crt': certificate + toPem(plan.older, gathered), 'ca.key': key };
        return this.#writeSecret(AUTHORITY_SECRET, gathered.authority, data, signal);
      }
      case 'issue-serving':
        return this.#writeServing(plan, gathered, signal);
      case 'widen-bundle':
      case 'narrow-bundle':
        return this.#writeBundle(toPem(plan.certificates, gathered), gathered, signal);
    }
  }

  async #writeServing(
    { validity }: Extract<ChangePlan, { kind: 'issue-serving' }>,
    gathered: Gathered,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const { authority: secret, authorities, names, serving } = gathered;
    const [signing] = authorities;
    if (secret === undefined || signing === undefined) return 'conflict';
    const { issueServing } = await import('@archpolicy/tls/issue');
    const ca = `${signing.x509.toString().trim()}\n`;
    const authority = { certificate: ca, key: secret.text('ca.key') };
    const { certificate, key } = await issueServing({ authority, names, validity });
    return this.#writeSecret(SERVING_SECRET, serving, { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': ca }, signal);
  }

  #writeSecret(name: string, stored: StoredSecret | undefined, data: Data, signal: AbortSignal): Promise<WriteOutcome> {
    const { namespace } = this.#options;
    return this.#send(
      stored === undefined
        ? { method: 'POST', path: resourcePath(SECRETS, { namespace }), body: newSecret(namespace, name, data), signal }
        : {
            method: 'PATCH',
            path: resourcePath(SECRETS, { namespace, name }),
            contentType: 'application/merge-patch+json',
            body: secretPatch(stored, data),
            signal,
          },
      // A 404 for a creation means that the namespace is missing.
      stored === undefined ? [409] : [404, 409],
    );
  }

  async #writeBundle(bundle: string, { configuration }: Gathered, signal: AbortSignal): Promise<WriteOutcome> {
    if (configuration === undefined) return 'conflict';
    const path = resourcePath(WEBHOOK_CONFIGURATIONS, { name: CONFIGURATION });
    const body = bundlePatch(configuration, bundle);
    return this.#send(
      { method: 'PATCH', path, contentType: 'application/json-patch+json', body, signal },
      [404, 409, 422],
    );
  }

  async #send(request: ApiRequest, conflicts: readonly number[]): Promise<WriteOutcome> {
    const answer = await this.#options.api.request({ ...request, timeoutMs: TIMEOUT_MS });
    if (answer.kind === 'ok') return 'written';
    if (conflicts.includes(answer.status)) return 'conflict';
    const { status, reason } = answer;
    throw new KubeError('Refused', `the API server rejected ${request.method} ${request.path}: ${status} ${reason}`, {
      status,
    });
  }
}

/** Returns the certificates with these ids as one PEM text. */
function toPem(ids: readonly string[], { authorities }: Gathered): string {
  const found = ids.map((id) => authorities.find(({ fact }) => fact.id === id));
  return found
    .map((certificate) => (certificate === undefined ? '' : `${certificate.x509.toString().trim()}\n`))
    .join('');
}
