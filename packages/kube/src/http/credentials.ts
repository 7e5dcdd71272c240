import type { ClientTls } from '@archpolicy/tls';

/** How to reach an API server and who we are there. */
export interface Credentials {
  /** `https://host:port`, without a path. */
  readonly server: string;
  readonly tls: TlsCredentials;
  /** Headers that authenticate: `authorization`, and `impersonate-user` where the kubeconfig says so. */
  readonly headers: Readonly<Record<string, string>>;
}

/** As undici's connector takes them. */
export interface TlsCredentials extends ClientTls {
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where credentials come from: asked before every call, so it keeps what has not changed. */
export interface CredentialSource {
  read(): Promise<Credentials>;
  /** The API server answered 401: what was read last is stale. */
  expire(): void;
}

/** Credentials that never change: for tests and for servers on loopback. */
export function fixedCredentials(credentials: Partial<Credentials> & { readonly server: string }): CredentialSource {
  const complete: Credentials = { tls: {}, headers: {}, ...credentials };
  return { read: () => Promise.resolve(complete), expire: () => undefined };
}
