export { mayReplaceCertificate, validityState } from './validity.ts';
export type { CertificateValidity, ValidityState } from './validity.ts';
