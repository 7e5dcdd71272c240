import type { FailureCauseKind } from '../http/failure-cause.ts';

/** What each cause means. Users find what to do in `docs/operations.md`, by the field `cause`. */
export const DETAILS: Readonly<Record<FailureCauseKind, string>> = {
  unauthorized: 'the server rejected the credential, or requires one',
  'not-found': 'the server does not have the image, or does not show it to this credential',
  'rate-limited': 'the server limits requests; the next one is sent after the time in `until`',
  'request-rejected': 'the server does not accept such requests',
  'server-error': 'the server answered with an error',
  'request-limit': 'the requestLimit of the registries file would delay the request too long',
  'circuit-breaker': 'the server failed repeatedly; the next request is sent after the time in `until`',
  dns: 'the name of the host cannot be resolved',
  connection: 'there is no connection to the server',
  tls: 'the TLS handshake failed',
  proxy: 'the proxy did not connect to the server',
  timeout: 'the server did not respond in time',
  'invalid-response': 'the response does not follow the protocol',
  'response-too-large': 'the response is larger than allowed',
  'digest-mismatch': 'the content does not have the digest of the image',
  'redirect-refused': 'a redirect was not followed: it has no usable location, leads to HTTP, or is one of too many',
  'address-guard': 'the address guard refuses the address of the host',
  'blocked-host': 'the registries file blocks the host',
  'token-service-url-relative':
    'the registry names its token service by a relative URL; configure the absolute URL in the registry',
  'token-service-url-invalid':
    'the registry names its token service by a URL that is too long, has credentials, or does not use HTTP',
  'token-service-plain-http':
    'the registry uses HTTPS, but names a token service with HTTP; configure the external URL of the registry, or of the proxy before it',
  'token-service-blocked': 'the registries file blocks the token service that the registry names',
  'token-service-redirects':
    'the token service answers with a redirect, which is not followed because it would get the credential',
  'credential-helpers-only':
    'the docker config has only credential helpers, which are not run; provide it with `auths`, or configure credentialProviders',
  'credential-kind': 'the registry accepts only user name and password, and the credential is a token',
};
