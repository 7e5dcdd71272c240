import type { ClientTls } from '@archpolicy/tls';

/** The address of an API server and the credentials for it. */
export interface Credentials {
  /** `https://host:port`, without a path. */
  readonly server: string;
  readonly tls: TlsCredentials;
  /** The headers `authorization`, and `impersonate-user` if the kubeconfig sets it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** TLS options of undici's connector. */
export interface TlsCredentials extends ClientTls {
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** A source of credentials. The client calls `read` before every request, so the source must cache the credentials. */
export interface CredentialSource {
  read(): Promise<Credentials>;
  /** Marks the credentials that were read last as stale. The client calls this method after a response 401. */
  expire(): void;
}

/** Returns constant credentials, for tests and servers on loopback. */
export function fixedCredentials(credentials: Partial<Credentials> & { readonly server: string }): CredentialSource {
  const complete: Credentials = { tls: {}, headers: {}, ...credentials };
  return { read: () => Promise.resolve(complete), expire: () => undefined };
}
