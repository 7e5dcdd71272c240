import { installArchPolicy, installWebhookConfiguration } from '../archpolicy/install.ts';
import { operator, webhook } from '../archpolicy/processes.ts';
import type { ToolName, Unit, UnitName } from '../component/component.ts';
import { etcd } from './etcd.ts';
import { kubeApiServer } from './kube-apiserver.ts';
import { kubeControllerManager } from './kube-controller-manager.ts';
import { kubeScheduler } from './kube-scheduler.ts';
import { kwok } from './kwok.ts';
import { createNodes, nodesReady } from './nodes.ts';
import { redis } from './redis.ts';
import { registry } from './registry.ts';
import { defaultAccount, writeKubeconfig } from './tasks.ts';

/** How much of a cluster is wanted: for contract tests, without ArchPolicy, everything. */
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
  createNodes,
  nodesReady,
  defaultAccount,
];

/** What a target consists of. */
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

/** The programs that a target runs. */
export function listTools(target: Target): readonly ToolName[] {
  const apiServer: readonly ToolName[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (target === 'api-server') return apiServer;
  return [...apiServer, 'kube-controller-manager', 'kube-scheduler', 'kwok', 'registry', 'redis-server'];
}

/**
 * Runs the units, each as soon as what it needs is done. The first failure is thrown once nothing runs any more.
 * @throws what the first failing `run` threw
 */
export async function runInOrder(units: readonly Unit[], run: (unit: Unit) => Promise<void>): Promise<void> {
  const done = new Map<UnitName, Promise<void>>();
  const startUnit = (name: UnitName): Promise<void> => {
    const known = done.get(name);
    if (known !== undefined) return known;
    const unit = units.find((candidate) => candidate.name === name);
    // Part of a larger target, which asked for it: then it runs already.
    const promise =
      unit === undefined ? Promise.resolve() : Promise.all(unit.needs.map(startUnit)).then(() => run(unit));
    done.set(name, promise);
    return promise;
  };
  const settled = await Promise.allSettled(units.map(({ name }) => startUnit(name)));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
