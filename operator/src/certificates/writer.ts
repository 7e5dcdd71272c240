import type { CertificatePlan } from '@archpolicy/core';
import { resourcePath, WEBHOOK_CONFIGURATIONS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import { AUTHORITY_SUBJECT } from './certificate-content.ts';
import { CONFIGURATION } from './gatherer.ts';
import type { Gathered } from './gatherer.ts';
import { bundlePatch } from './installed-configuration.ts';
import { sendWrite } from './secret-writer.ts';
import type { SecretWriter, WriteOutcome } from './secret-writer.ts';

/** A plan that changes something. */
export type ChangePlan = Exclude<CertificatePlan, { kind: 'keep' | 'leave-alone' }>;

export interface CertificateWriterOptions {
  readonly api: Pick<Api, 'request'>;
  readonly authority: Pick<SecretWriter, 'write'>;
  readonly serving: Pick<SecretWriter, 'write'>;
}

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
        return this.#options.authority.write(gathered.authority, data, signal);
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
    return this.#options.serving.write(serving, { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': ca }, signal);
  }

  async #writeBundle(bundle: string, { configuration }: Gathered, signal: AbortSignal): Promise<WriteOutcome> {
    if (configuration === undefined) return 'conflict';
    const path = resourcePath(WEBHOOK_CONFIGURATIONS, { name: CONFIGURATION });
    const body = bundlePatch(configuration, bundle);
    const contentType = 'application/json-patch+json';
    const request = { method: 'PATCH', path, contentType, body, signal } as const;
    return sendWrite(this.#options.api, request, [404, 409, 422]);
  }
}

/** Returns the certificates with these ids as one PEM text. */
function toPem(ids: readonly string[], { authorities }: Gathered): string {
  const found = ids.map((id) => authorities.find(({ fact }) => fact.id === id));
  return found
    .map((certificate) => (certificate === undefined ? '' : `${certificate.x509.toString().trim()}\n`))
    .join('');
}
