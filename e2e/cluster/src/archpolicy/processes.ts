import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster, Component } from '../component/component.ts';
import { getPort } from '../component/component.ts';
import { waitForHttpOk } from '../component/ready.ts';
import { ClusterError } from '../errors.ts';
import { compileCache, repositoryRoot } from '../layout.ts';
import { accountKubeconfig } from './accounts.ts';
import type { Account } from './accounts.ts';

export const webhook: Component = {
  kind: 'component',
  name: 'webhook',
  needs: ['archpolicy', 'redis', 'registry', 'nodes-ready'],
  ports: ['https', 'metrics'],
  launch: (cluster, ports) =>
    launch(cluster, ports, 'webhook', {
      ARCHPOLICY_WEBHOOK_ADDRESS: `127.0.0.1:${getPort(ports, 'https')}`,
      ARCHPOLICY_TLS_DIRECTORY: cluster.layout.webhookTls,
      // A short drain is enough, because no load balancer has to notice the end of the webhook.
      ARCHPOLICY_DRAIN_SECONDS: '1',
    }),
};

export const operator: Component = {
  kind: 'component',
  name: 'operator',
  needs: ['archpolicy', 'redis', 'registry', 'nodes-ready'],
  ports: ['metrics'],
  // The webhook has the certificate of the local cluster, from files.
  launch: (cluster, ports) =>
    launch(cluster, ports, 'operator', { ARCHPOLICY_CERTIFICATES: 'external', ...cluster.environment }),
};

async function launch(
  cluster: Cluster,
  ports: ReadonlyMap<string, number>,
  name: 'webhook' | 'operator',
  own: Readonly<Record<string, string>>,
): ReturnType<Component['launch']> {
  const main = cluster.programs[name] ?? join(repositoryRoot, name, 'src', 'main.ts');
  await access(main).catch(() => {
    throw new ClusterError('Component', `${main} does not exist; \`make up ONLY=control-plane\` does not need it`);
  });
  const metrics = `127.0.0.1:${getPort(ports, 'metrics')}`;
  return {
    // Use the Node.js that runs the cluster, whose version the lockfile pins.
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', main],
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...cluster.environment,
      ...own,
      ...commonEnvironment(cluster, `archpolicy-${name}`, metrics),
    },
    ready: (signal) => waitForHttpOk(`http://${metrics}/readyz`, signal),
  };
}

function commonEnvironment(cluster: Cluster, account: Account, metrics: string): Readonly<Record<string, string>> {
  return {
    ARCHPOLICY_KUBECONFIG: accountKubeconfig(cluster, account),
    ARCHPOLICY_METRICS_ADDRESS: metrics,
    ARCHPOLICY_REGISTRIES_FILE: join(repositoryRoot, 'deploy', 'overlays', 'local', 'registries.yaml'),
    ARCHPOLICY_REDIS_URL: `redis://127.0.0.1:${cluster.port('redis', 'redis')}`,
    // This key need not be secret, because any process that reaches this Redis also reaches the rest of the local
    // cluster.
    ARCHPOLICY_CACHE_KEY: 'the cache key of every local cluster',
  };
}
