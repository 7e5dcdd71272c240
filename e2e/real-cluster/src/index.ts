import { join } from 'node:path';
import type { ClusterKind } from '../../cluster/src/commands/up.ts';
import { startCluster } from '../../cluster/src/start-cluster.ts';
import type { StartClusterOptions, TestCluster } from '../../cluster/src/start-cluster.ts';
import { ensureNodeTools } from './programs/programs.ts';

/** A cluster with a real node, in namespaces of its own. */
export const realCluster: ClusterKind = {
  supervisor: join(import.meta.dirname, 'outside', 'main.ts'),
  ensureTools: ensureNodeTools,
};

/** Starts a cluster with a real node for a test. */
export function startRealCluster(options: Omit<StartClusterOptions, 'kind'> = {}): Promise<TestCluster> {
  return startCluster({ ...options, kind: realCluster });
}
