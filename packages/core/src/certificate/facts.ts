import type { CertificateValidity } from './validity.ts';

/** A certificate: its identity (a fingerprint) and its validity period. */
export interface CertificateFact extends CertificateValidity {
  readonly id: string;
}

/** Why the content of a Secret cannot be used. */
export type ContentFault =
  /** A certificate or a key is missing or cannot be parsed. */
  | 'corrupt'
  /** The key is not the key of the certificate. */
  | 'key-mismatch'
  /** The operator did not make it. */
  | 'foreign';

/** A Secret that is missing, or that something else manages, so that the operator must not write it. */
export type UnmanagedSecret =
  | { readonly kind: 'absent' }
  /** `by`: the manager, as quoted in a message. */
  | { readonly kind: 'managed'; readonly by: string };

/** The Secret with the CA and its key. */
export type AuthoritySecret =
  | UnmanagedSecret
  | { readonly kind: 'unusable'; readonly cause: ContentFault }
  | {
      readonly kind: 'usable';
      /** The CA that signs now. */
      readonly signing: CertificateFact;
      /** Earlier CAs, which remain trusted until they expire. */
      readonly older: readonly CertificateFact[];
    };

/** The Secret with the serving certificate and its key. */
export type ServingSecret =
  | UnmanagedSecret
  | { readonly kind: 'unusable'; readonly cause: ContentFault }
  | (CertificateValidity & {
      readonly kind: 'usable';
      /** The CA that signed it, of those in the Secret of the CA and in the bundles; undefined: it is another one. */
      readonly issuer: CertificateFact | undefined;
      /** Whether it contains each name by which the API server calls the webhook. */
      readonly hasNames: boolean;
    });

/** The `caBundle` of one webhook of ours. */
export interface BundleFact {
  readonly certificates: readonly CertificateFact[];
  /** Whether a part of it cannot be parsed. */
  readonly isCorrupt: boolean;
}

/** How long certificates are valid from the time at which they are issued. */
export interface CertificateLifetimes {
  readonly servingMs: number;
  readonly authorityMs: number;
}

/** The inputs of {@link planCertificates}. */
export interface CertificateFacts {
  readonly authority: AuthoritySecret;
  readonly serving: ServingSecret;
  /** The bundles of the webhooks of ours in the webhook configuration; empty if the configuration is missing. */
  readonly bundles: readonly BundleFact[];
  /**
   * For how long this process has read the signing CA in all bundles. By a monotonic clock, so that changes of the clock
   * do not shorten the wait.
   */
  readonly authorityTrustedForMs: number;
  /** For how long this process has read the present serving certificate in its Secret. By a monotonic clock. */
  readonly servingStoredForMs: number;
  /** The local clock minus the API server's. */
  readonly clockSkewMs: number;
  readonly lifetimes: CertificateLifetimes;
}
