/** Issues certificates. An entry point of its own, because it loads `@peculiar/x509`. */
export { issueAuthority, issueServing } from './issue.ts';
export type { AuthorityRequest, IssuedCertificate, ServingRequest } from './issue.ts';
