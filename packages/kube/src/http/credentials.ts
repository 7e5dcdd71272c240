import type { ClientTls } from '@archpolicy/tls';

/** The address of an API server and our credentials for it. */
export interface Credentials {
  /** `https://host:port`, without a path. */
  readonly server: string;
  readonly tls: TlsCredentials;
  /** `authorization`, and `impersonate-user` if the kubeconfig sets it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** TLS options of undici's connector. */
export interface TlsCredentials extends ClientTls {
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** A source of credentials. Read before every call, so it must cache. */
export interface CredentialSource {
  read(): Promise<Credentials>;
  /** Called after a 401: the credentials read last are stale. */
  expire(): void;
}

/** Returns constant credentials, for tests and servers on loopback. */
export function fixedCredentials(credentials: Partial<Credentials> & { readonly server: string }): CredentialSource {
  const complete: Credentials = { tls: {}, headers: {}, ...credentials };
  return { read: () => Promise.resolve(complete), expire: () => undefined };
}
