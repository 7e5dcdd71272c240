import { errorCode } from '@archpolicy/core';
import { ProxyError } from '../errors.ts';
import type { FailureCause, FailureCauseKind } from '../http/failure-cause.ts';

/**
 * The codes of errors that a connection can have, by kind of cause. Other codes are not logged, because only these are known
 * to be constants.
 * https://nodejs.org/api/errors.html#common-system-errors, https://nodejs.org/api/tls.html#x509-certificate-error-codes,
 * https://github.com/nodejs/undici/blob/v7.0.0/docs/docs/api/Errors.md
 */
const CODES: Partial<Record<FailureCauseKind, readonly string[]>> = {
  dns: [
    'NameNotFound',
    'NoNameServerAnswered',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EAI_NODATA',
    'ETIMEOUT',
    'ESERVFAIL',
  ],
  connection: [
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'ETIMEDOUT',
    'EADDRNOTAVAIL',
    'EACCES',
    'EPERM',
    'EPIPE',
    'EMFILE',
    'ENFILE',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
  ],
  tls: [
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'CERT_REJECTED',
    'CERT_UNTRUSTED',
    'CERT_CHAIN_TOO_LONG',
    'CERT_SIGNATURE_FAILURE',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'HOSTNAME_MISMATCH',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'EPROTO',
    'TlsFiles',
  ],
  'invalid-response': ['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
};

/** Codes of OpenSSL (`ERR_SSL_WRONG_VERSION_NUMBER`) and of the HTTP parser (`HPE_INVALID_CONSTANT`): both are constants. */
const PATTERNS: readonly (readonly [RegExp, FailureCauseKind])[] = [
  [/^ERR_(?:SSL|OSSL)_[A-Z0-9_]{1,60}$/, 'tls'],
  [/^HPE_[A-Z_]{1,40}$/, 'invalid-response'],
];

const KINDS: ReadonlyMap<string, FailureCauseKind> = new Map(
  Object.entries(CODES).flatMap(([kind, codes]) => codes.map((code) => [code, kind as FailureCauseKind] as const)),
);

/** Codes of requests that this process ended itself. */
const OWN: ReadonlySet<string> = new Set(['LookupCancelled', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED', 'UND_ERR_ABORTED']);

/** Returns the cause of an error that a request ended with. Returns undefined if this process ended the request. */
export function connectionCause(error: unknown): FailureCause | undefined {
  if (error instanceof ProxyError) return { kind: 'proxy', status: error.status };
  let isProxy = false;
  for (const code of listCodes(error)) {
    if (OWN.has(code)) return undefined;
    if (code === 'ProxyFailed') isProxy = true;
    const kind = KINDS.get(code) ?? PATTERNS.find(([pattern]) => pattern.test(code))?.[1];
    if (kind !== undefined) return { kind: isProxy ? 'proxy' : kind, code };
  }
  return { kind: isProxy ? 'proxy' : 'connection' };
}

/** Returns the codes of an error and of its cause. */
function listCodes(error: unknown): readonly string[] {
  const cause = error instanceof Object && 'cause' in error ? error.cause : undefined;
  return [errorCode(error), errorCode(cause)].filter((code) => code !== undefined);
}
