import type { Random } from '@archpolicy/async';
import type { Api, SecretLocation, SecretObject } from '@archpolicy/kube';
import { describeSecret, secretIntervalMs, secretSource } from '@archpolicy/process';
import type { SourceRead } from '@archpolicy/process';
import type { CertificateSource } from './certificate-source.ts';
import { PAIR, parsePair } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { bad } from './read-bounded.ts';

/** @see https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets */
const TYPE = 'kubernetes.io/tls';

const HELP = {
  absent: 'the operator creates it, unless ARCHPOLICY_CERTIFICATES is external',
  forbidden: 'apply the Role archpolicy-webhook of deploy/base/rbac',
};

export interface CertificateSecretOptions {
  readonly api: Pick<Api, 'request'>;
  readonly secret: SecretLocation;
  readonly serverName: string;
  readonly random: Random;
}

/**
 * The serving pair in a Secret. It is read often while there is no valid pair, because pods are admitted unconstrained until then. A
 * renewed pair replaces one that is still valid for days.
 */
export function certificateSecret({ api, secret, serverName, random }: CertificateSecretOptions): CertificateSource {
  const waiting = `waiting for ${describeSecret(secret)}`;
  return {
    ...secretSource({ api, secret, parse: (read) => parseSecret(read, serverName), help: HELP }),
    intervalMs: ({ isValid }) => secretIntervalMs(isValid, random),
    describeWaiting: (problem) => (problem === '' ? waiting : `${waiting}: ${problem}`),
  };
}

function parseSecret(secret: SecretObject, serverName: string): SourceRead<Certificate> {
  if (secret.type !== TYPE) {
    return bad(
      'SecretTypeUnsupported',
      `its type is not ${TYPE}; delete it, and create it with kubectl create secret tls`,
    );
  }
  const [cert, key] = [secret.value(PAIR.certificate), secret.value(PAIR.key)];
  if (cert === undefined || key === undefined) {
    return bad('KeyAbsent', `it lacks ${cert === undefined ? PAIR.certificate : PAIR.key}`);
  }
  return parsePair(cert, key, serverName);
}
