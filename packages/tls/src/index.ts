/**
 * Parses certificates, keys and CA bundles before they are used. OpenSSL reports some faults only when a connection is
 * made and ignores others (a CA bundle that contains no certificate, a client certificate without a key).
 */
export { readCertificates } from './certificates.ts';
export type { ReadableCertificates } from './certificates.ts';
export { parseCaBundle } from './ca-bundle.ts';
export { selectClientTls } from './client-tls.ts';
export type { ClientFileNames, ClientTls, ClientTlsSelection } from './client-tls.ts';
export { parseKeyPair } from './key-pair.ts';
export type { KeyPair, Pem } from './key-pair.ts';
export { describeProblem } from './problem.ts';
export type { FileNames, TlsProblem, TlsProblemCode } from './problem.ts';
