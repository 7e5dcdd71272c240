import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManyPodsSize } from '@archpolicy/testkit';

const SERVER = fileURLToPath(new URL('../../../packages/testkit/bench/many-pods.ts', import.meta.url));

const REGISTRIES = `registries:
  - {host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8]}
`;

/** The API server of a large cluster, in its own process. */
export interface ManyPodsServer {
  /** The environment of an operator that connects to this server. */
  readonly env: Readonly<Record<string, string>>;
  /** Sends this many pod events per second from now on. */
  changePods(eventsPerSecond: number): void;
  stop(): Promise<void>;
}

export async function startManyPods(size: ManyPodsSize): Promise<ManyPodsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'archpolicy-bench-'));
  const server = fork(SERVER, [JSON.stringify(size)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ url }] = (await once(server, 'message')) as [{ readonly url: string }];
  const file = (name: string): string => join(directory, name);
  await writeFile(file('kubeconfig'), kubeconfig(url));
  await writeFile(file('registries.yaml'), REGISTRIES);
  return {
    env: {
      ARCHPOLICY_KUBECONFIG: file('kubeconfig'),
      ARCHPOLICY_CERTIFICATES: 'external',
      ARCHPOLICY_REGISTRIES_FILE: file('registries.yaml'),
      ARCHPOLICY_LOG_LEVEL: 'warn',
    },
    changePods: (eventsPerSecond) => {
      server.send({ eventsPerSecond });
    },
    stop: async () => {
      server.kill('SIGKILL');
      await rm(directory, { recursive: true });
    },
  };
}

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'large', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'operator', user: { token: 'unused' } }],
    contexts: [{ name: 'large', context: { cluster: 'large', user: 'operator' } }],
    'current-context': 'large',
  });
}
