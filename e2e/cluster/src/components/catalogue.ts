import { installArchPolicy, installWebhookConfiguration } from '../archpolicy/install.ts';
import { operator, webhook } from '../archpolicy/processes.ts';
import type { ToolName, Unit, UnitName } from '../component/component.ts';
import { etcd } from './etcd.ts';
import { kubeApiServer } from './kube-apiserver.ts';
import { kubeControllerManager } from './kube-controller-manager.ts';
import { kubeScheduler } from './kube-scheduler.ts';
import { kwok } from './kwok.ts';
import { createNodes, nodeNames, nodesReady } from './nodes.ts';
import { redis } from './redis.ts';
import { registry } from './registry.ts';
import { defaultAccount, writeKubeconfig } from './tasks.ts';

/** Parts of a cluster: `api-server` for contract tests, `control-plane` without ArchPolicy, or `all`. */
export const targets = ['api-server', 'control-plane', 'all'] as const;
export type Target = (typeof targets)[number];

const apiServerUnits: readonly Unit[] = [etcd, kubeApiServer, writeKubeconfig];
const controlPlaneUnits: readonly Unit[] = [
  ...apiServerUnits,
  registry,
  redis,
  kubeControllerManager,
  kubeScheduler,
  kwok,
  createNodes(nodeNames),
  nodesReady(nodeNames),
  defaultAccount,
];

/** Returns the units of a target. */
export function listUnits(target: Target): readonly Unit[] {
  switch (target) {
    case 'api-server':
      return apiServerUnits;
    case 'control-plane':
      return controlPlaneUnits;
    case 'all':
      return [...controlPlaneUnits, installArchPolicy, webhook, operator, installWebhookConfiguration];
  }
}

/** Returns the programs that a target runs. */
export function listTools(target: Target): readonly ToolName[] {
  const apiServer: readonly ToolName[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (target === 'api-server') return apiServer;
  return [...apiServer, 'kube-controller-manager', 'kube-scheduler', 'kwok', 'registry', 'redis-server'];
}

/**
 * Runs each unit as soon as the units that it needs are done. If a unit fails, waits until all running units have
 * settled.
 * @throws the error of the first failed unit
 */
export async function runInOrder(units: readonly Unit[], run: (unit: Unit) => Promise<void>): Promise<void> {
  const done = new Map<UnitName, Promise<void>>();
  const startUnit = (name: UnitName): Promise<void> => {
    const started = done.get(name);
    if (started !== undefined) return started;
    const unit = units.find((candidate) => candidate.name === name);
    // A needed unit that is not in `units` is running already.
    const promise =
      unit === undefined ? Promise.resolve() : Promise.all(unit.needs.map(startUnit)).then(() => run(unit));
    done.set(name, promise);
    return promise;
  };
  const settled = await Promise.allSettled(units.map(({ name }) => startUnit(name)));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
