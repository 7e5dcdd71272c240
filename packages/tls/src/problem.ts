/**
 * Why certificates or keys cannot be used.
 *
 * - `CertificateInvalid`: a certificate is missing or cannot be parsed
 * - `KeyInvalid`: not a private key
 * - `KeyEncrypted`: a private key that needs a passphrase
 * - `KeyMismatch`: not the key of the first certificate
 * - `RejectedByOpenSsl`: OpenSSL's rules forbid the certificate or its key (for example a key of 1024 bits)
 */
export type TlsProblemCode = 'CertificateInvalid' | 'KeyInvalid' | 'KeyEncrypted' | 'KeyMismatch' | 'RejectedByOpenSsl';

/** A problem, without any content of the files. */
export interface TlsProblem {
  readonly code: TlsProblemCode;
  /** Which certificate of the file, from 1; absent when the file contains none. */
  readonly position?: number;
  /** OpenSSL's code, such as `ERR_SSL_EE_KEY_TOO_SMALL`. */
  readonly opensslCode?: string;
}

/** The names of the files in a problem's text. */
export interface FileNames {
  readonly certificate: string;
  readonly key: string;
}

/** Describes a problem in words, as a clause without a full stop. */
export function describeProblem({ code, position, opensslCode }: TlsProblem, names: FileNames): string {
  const { certificate, key } = names;
  switch (code) {
    case 'CertificateInvalid':
      return position === undefined
        ? `${certificate} contains no PEM certificate`
        : `certificate ${position} in ${certificate} cannot be parsed`;
    case 'KeyInvalid':
      return `${key} contains no PEM private key`;
    case 'KeyEncrypted':
      return `${key} is encrypted`;
    case 'KeyMismatch':
      return `${key} is not the key of the first certificate in ${certificate}`;
    case 'RejectedByOpenSsl':
      return `${certificate} and ${key} are rejected by OpenSSL (${opensslCode ?? 'no code'})`;
  }
}
