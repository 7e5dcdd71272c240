import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { formatKubeconfig } from '../certificates/kubeconfig.ts';
import type { Cluster } from '../component/component.ts';
import { ClusterError } from '../errors.ts';

export const NAMESPACE = 'archpolicy-system';
/** Lifetime of the tokens. It is longer than any cluster lives, because the tokens are not renewed. */
const TOKEN_SECONDS = 30 * 24 * 3600;

const tokenRequestSchema = z.object({ status: z.object({ token: z.string().min(1) }) });

export type Account = 'archpolicy-webhook' | 'archpolicy-operator';

export function accountKubeconfig({ layout }: Pick<Cluster, 'layout'>, account: Account): string {
  return layout.run(`${account}.kubeconfig`);
}

/**
 * Creates a token of the ServiceAccount and writes a kubeconfig with it, so that the process has the rights that
 * deploy/ grants.
 */
export async function writeAccount(cluster: Cluster, account: Account, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_SECONDS },
  };
  const answer = await cluster.api().send('POST', path, signal, request);
  const parsed = tokenRequestSchema.safeParse(answer.body);
  if (!parsed.success) {
    throw new ClusterError('Component', `the API server answered ${answer.status} to the token request of ${account}`);
  }
  // The token is inline, because client-node does not read the field `tokenFile`, only its older spelling.
  const credential = { kind: 'token', token: parsed.data.status.token } as const;
  const kubeconfig = formatKubeconfig(cluster.apiServer(), cluster.pki.authority, account, credential);
  await writeFile(accountKubeconfig(cluster, account), kubeconfig, { mode: 0o600 });
}
