import type { Random } from '@archpolicy/async';
import { MAX_SECRET_BYTES, readSecret } from '@archpolicy/kube';
import type { Api, SecretLocation, SecretObject, SecretRead } from '@archpolicy/kube';
import type { Rejection, Source, SourceRead } from './source-watch.ts';

/** Interval of the reads while a value is in use. */
const POLL_MS = 30_000;
/** Interval of the reads while there is none that can be used. */
const WAITING_POLL_MS = 2_000;
/** The share of an interval that is random, so that replicas that started together do not read together. */
const JITTER = 0.2;

export interface SecretSourceOptions<T> {
  readonly api: Pick<Api, 'request'>;
  readonly secret: SecretLocation;
  /** Returns the value, or why the content cannot be used. */
  readonly parse: (secret: SecretObject) => SourceRead<T>;
  /** What helps if the Secret does not exist, and if reading it is forbidden. */
  readonly help: { readonly absent: string; readonly forbidden: string };
}

/**
 * A source that reads one Secret by GET. It is not mounted: a Secret that is created after the pod reaches a mount only with the
 * kubelet's next sync, a minute later or more.
 */
export function secretSource<T>({ api, secret, parse, help }: SecretSourceOptions<T>): Source<T> {
  return {
    location: { source: describeSecret(secret) },
    read: async (signal) => {
      const read = await readSecret(api, secret, signal);
      return read.kind === 'found' ? parse(read.secret) : { kind: 'rejected', rejection: toRejection(read, help) };
    },
  };
}

/** Names a Secret for the log and for readiness. */
export function describeSecret({ namespace, name }: SecretLocation): string {
  return `Secret ${namespace}/${name}`;
}

/** Returns the time until the next read of a Secret. */
export function secretIntervalMs(hasUsableValue: boolean, random: Random): number {
  return (hasUsableValue ? POLL_MS : WAITING_POLL_MS) * (1 - JITTER * random());
}

function toRejection(
  read: Exclude<SecretRead, { readonly kind: 'found' }>,
  help: SecretSourceOptions<unknown>['help'],
): Rejection {
  switch (read.kind) {
    case 'not-found':
      return { outcome: 'absent', code: 'SecretAbsent', problem: `it does not exist; ${help.absent}` };
    case 'forbidden':
      return {
        outcome: 'forbidden',
        code: 'SecretForbidden',
        problem: `the API server forbids reading it; ${help.forbidden}`,
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
