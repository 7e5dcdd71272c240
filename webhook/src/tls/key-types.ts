import type { KeyObject } from 'node:crypto';

/** The TLS 1.3 curves that Go supports for certificates. */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Whether API servers can verify a certificate with this key. OpenSSL also loads other key types, but every handshake
 * with them would fail.
 *
 * @see https://github.com/golang/go/blob/go1.24.0/src/crypto/tls/handshake_client.go (verifyServerCertificate: RSA, ECDSA,
 * Ed25519) and https://github.com/golang/go/blob/go1.24.0/src/crypto/tls/defaults.go (the signature algorithms, and with
 * them the curves)
 */
export function isSupportedByApiServers({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ec') return CURVES.has(asymmetricKeyDetails?.namedCurve ?? '');
  return asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519';
}
