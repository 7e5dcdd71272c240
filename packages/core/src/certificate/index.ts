export { planCertificates } from './plan.ts';
export type { CertificatePlan, IssueCause } from './plan.ts';
export type { BundlePlan } from './plan-bundle.ts';
export type {
  AuthoritySecret,
  BundleFact,
  CertificateFact,
  CertificateFacts,
  CertificateLifetimes,
  ContentFault,
  ServingSecret,
} from './facts.ts';
export { mayReplaceCertificate, validityState } from './validity.ts';
export type { CertificateValidity, ValidityState } from './validity.ts';
