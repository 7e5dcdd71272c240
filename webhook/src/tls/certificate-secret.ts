import type { Random } from '@archpolicy/async';
import { MAX_SECRET_BYTES, readSecret } from '@archpolicy/kube';
import type { Api, SecretLocation, SecretObject, SecretRead } from '@archpolicy/kube';
import type { Rejection, SourceRead } from '@archpolicy/process';
import type { CertificateSource } from './certificate-source.ts';
import { PAIR, parsePair } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { bad } from './read-bounded.ts';

/** Interval of the reads while there is a valid pair: a renewed pair replaces one that is still valid for days. */
const POLL_MS = 30_000;
/** Interval of the reads while there is no valid pair: until then, pods are admitted unconstrained. */
const WAITING_POLL_MS = 2_000;
/** The share of an interval that is random, so that replicas that started together do not read together. */
const JITTER = 0.2;

/** @see https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets */
const TYPE = 'kubernetes.io/tls';

export interface CertificateSecretOptions {
  readonly api: Pick<Api, 'request'>;
  readonly secret: SecretLocation;
  readonly serverName: string;
  readonly random: Random;
}

/**
 * The serving pair in a Secret. It is read by GET, not mounted: a Secret that is created after the pod reaches a mount only
 * with the kubelet's next sync, a minute later or more.
 */
export function certificateSecret({ api, secret, serverName, random }: CertificateSecretOptions): CertificateSource {
  const location = `${secret.namespace}/${secret.name}`;
  return {
    location: { source: `Secret ${location}` },
    read: async (signal) => {
      const read = await readSecret(api, secret, signal);
      return read.kind === 'found'
        ? parseSecret(read.secret, serverName)
        : { kind: 'rejected', rejection: rejectRead(read) };
    },
    intervalMs: ({ isValid }) => (isValid ? POLL_MS : WAITING_POLL_MS) * (1 - JITTER * random()),
    describeWaiting: (problem) => `waiting for Secret ${location}${problem === '' ? '' : `: ${problem}`}`,
  };
}

function rejectRead(read: Exclude<SecretRead, { readonly kind: 'found' }>): Rejection {
  switch (read.kind) {
    case 'not-found':
      return {
        outcome: 'absent',
        code: 'SecretAbsent',
        problem: 'it does not exist; the operator creates it, unless ARCHPOLICY_CERTIFICATES is external',
      };
    case 'forbidden':
      return {
        outcome: 'forbidden',
        code: 'SecretForbidden',
        problem: 'the API server forbids reading it; apply the Role archpolicy-webhook of deploy/base/rbac',
      };
    case 'too-large':
      return { outcome: 'bad', code: 'SecretTooLarge', problem: `it is larger than ${MAX_SECRET_BYTES} bytes` };
    case 'unavailable':
      return {
        outcome: 'unavailable',
        code: 'SecretUnavailable',
        problem: `the API server did not return it (${read.cause})`,
      };
  }
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
