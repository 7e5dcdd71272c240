import { stringify } from 'yaml';
import type { KeyPair } from './authority.ts';

/** How a kubeconfig's user authenticates. */
export type Credential =
  { readonly kind: 'certificate'; readonly pair: KeyPair } | { readonly kind: 'token'; readonly token: string };

/** Returns a kubeconfig with one cluster and one user, all data inline. */
export function formatKubeconfig(server: string, authority: string, user: string, credential: Credential): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'archpolicy',
    contexts: [{ name: 'archpolicy', context: { cluster: 'archpolicy', user } }],
    clusters: [{ name: 'archpolicy', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [{ name: user, user: userFields(credential) }],
  });
}

function userFields(credential: Credential): Readonly<Record<string, string>> {
  switch (credential.kind) {
    case 'certificate':
      return {
        'client-certificate-data': base64(credential.pair.certificate),
        'client-key-data': base64(credential.pair.key),
      };
    case 'token':
      return { token: credential.token };
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
