/** A credential as docker config files carry them. Never logged, never in a message, never stored outside memory. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the token service (`identitytoken`). */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token for the registry itself (`registrytoken`). */
  | { readonly kind: 'bearer'; readonly token: string };

/** The data of a pull secret, base64 already decoded. */
export interface PullSecret {
  /** `kubernetes.io/dockerconfigjson` (key `.dockerconfigjson`) or `kubernetes.io/dockercfg` (key `.dockercfg`). */
  readonly type: 'kubernetes.io/dockerconfigjson' | 'kubernetes.io/dockercfg';
  readonly json: string;
}
