import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { TestCluster } from '@archpolicy/e2e';

const schema = z.looseObject({
  clusters: z.tuple([z.looseObject({ cluster: z.looseObject({ server: z.url() }) })]),
  users: z.tuple([z.looseObject({ user: z.looseObject({ token: z.string() }) })]),
});

export interface AccountKubeconfig {
  readonly file: string;
  /** Port of the API server. */
  readonly apiServerPort: number;
}

/**
 * Writes a kubeconfig of our account whose server is a port of this machine, such as that of a fault proxy.
 * @param port returns the port, given that of the API server
 */
export async function writeAccountKubeconfig(
  cluster: TestCluster,
  account: 'archpolicy-webhook' | 'archpolicy-operator',
  name: string,
  port: (apiServerPort: number) => Promise<number>,
): Promise<AccountKubeconfig> {
  const folder = join(cluster.directory, 'run');
  const config = schema.parse(parse(await readFile(join(folder, `${account}.kubeconfig`), 'utf8')));
  const [entry] = config.clusters;
  const apiServerPort = Number(new URL(entry.cluster.server).port);
  const server = `https://127.0.0.1:${await port(apiServerPort)}`;
  const file = join(folder, `${name}.kubeconfig`);
  const changed = { ...config, clusters: [{ ...entry, cluster: { ...entry.cluster, server } }] };
  await writeFile(file, stringify(changed), { mode: 0o600 });
  return { file, apiServerPort };
}
