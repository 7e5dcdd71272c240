import { join } from 'node:path';
import type { ComponentName } from '../component/component.ts';
import type { ClusterEnv } from '../env-file.ts';
import type { Layout } from '../layout.ts';
import type { Ports } from '../process/ports.ts';
import type { Running } from './runner.ts';

export interface EnvSources {
  readonly layout: Layout;
  readonly kubectl: string;
  readonly ports: Pick<Ports, 'get'>;
  /** The registry's host name for pods, if they reach it. */
  readonly registryName?: string | undefined;
}

/** Returns the content of `CLUSTER_DIR/env` for the running components. */
export function buildEnv(
  { layout, kubectl, ports, registryName }: EnvSources,
  running: ReadonlyMap<ComponentName, Pick<Running, 'child'>>,
): ClusterEnv {
  const alive = (name: ComponentName): boolean => {
    const found = running.get(name);
    return found !== undefined && found.child.exit() === undefined;
  };
  const pid = (name: ComponentName): string => String(running.get(name)?.child.pid);
  const loopback = (name: ComponentName, label: string): string => `127.0.0.1:${ports.get(name, label)}`;
  return {
    KUBECONFIG: layout.kubeconfig,
    KUBECTL: kubectl,
    AUDIT_LOG: layout.auditLog,
    ...(alive('registry') ? { REGISTRY: loopback('registry', 'http') } : {}),
    ...(registryName === undefined ? {} : { CLUSTER_REGISTRY: `${registryName}:${ports.get('registry', 'http')}` }),
    ...(alive('redis') ? { REDIS_URL: `redis://${loopback('redis', 'redis')}` } : {}),
    ...(alive('webhook')
      ? {
          WEBHOOK_URL: `https://${loopback('webhook', 'https')}/mutate`,
          WEBHOOK_CA: join(layout.webhookTls, 'ca.crt'),
          WEBHOOK_METRICS: `http://${loopback('webhook', 'metrics')}/metrics`,
          WEBHOOK_PID: pid('webhook'),
        }
      : {}),
    ...(alive('operator')
      ? { OPERATOR_METRICS: `http://${loopback('operator', 'metrics')}/metrics`, OPERATOR_PID: pid('operator') }
      : {}),
  };
}
