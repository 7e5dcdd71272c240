/** A credential of a docker config file. It is never logged, never in a message, and never stored outside memory. */
export type Credential = CredentialContent & {
  /** Where the credential comes from, for the log: `Secret shop/pull`. */
  readonly source?: string;
};

type CredentialContent =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the token service (`identitytoken`). */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token for the registry itself (`registrytoken`). */
  | { readonly kind: 'bearer'; readonly token: string };

/** The decoded data of a pull secret. */
export interface PullSecret {
  /** `kubernetes.io/dockerconfigjson` (key `.dockerconfigjson`) or `kubernetes.io/dockercfg` (key `.dockercfg`). */
  readonly type: 'kubernetes.io/dockerconfigjson' | 'kubernetes.io/dockercfg';
  readonly json: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}
