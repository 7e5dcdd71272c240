import { writeFile } from 'node:fs/promises';
import type { User } from '../certificates/cluster-pki.ts';
import { formatKubeconfig } from '../certificates/kubeconfig.ts';
import type { Cluster } from '../component/component.ts';

/** Writes a kubeconfig for a component's user and returns its path. */
export async function writeUserKubeconfig({ layout, pki, apiServer }: Cluster, user: User): Promise<string> {
  const path = layout.run(`${user}.kubeconfig`);
  const credential = { kind: 'certificate', pair: pki.users[user] } as const;
  await writeFile(path, formatKubeconfig(apiServer(), pki.authority, user, credential), { mode: 0o600 });
  return path;
}
