import { clusterId } from '../../../cluster/src/directory.ts';
import { errorMessage } from '../../../cluster/src/errors.ts';
import { clusterLayout } from '../../../cluster/src/layout.ts';
import { controlGroupName } from '../../../cluster/src/process/control-groups.ts';
import { runSupervisor } from '../../../cluster/src/supervisor/run-supervisor.ts';
import { listUnits } from '../components/catalogue.ts';
import { network } from '../components/network.ts';
import { ABANDONED_STATUS } from './exit-status.ts';
import { forward, socketPath } from './forwarding.ts';

/**
 * The supervisor of a cluster with a real node, inside of its namespaces: `main.ts DIRECTORY CONTROL API REGISTRY`, with
 * the ports that are also open outside.
 */
async function main(): Promise<number> {
  const [directory = '', ...ports] = process.argv.slice(2);
  const [controlPort = 0, https = 0, http = 0] = ports.map(Number);
  const layout = clusterLayout(directory);
  const group = controlGroupName((await clusterId(layout)) ?? '');
  process.chdir(layout.root);
  for (const port of [controlPort, https, http]) {
    await forward({ path: socketPath(port) }, { host: '127.0.0.1', port });
  }
  const end = await runSupervisor({
    layout,
    listUnits: (target) => listUnits(target, group),
    environment: process.env,
    fixedPorts: { 'kube-apiserver': { https }, registry: { http } },
    registryName: network.registry,
    controlPort,
    hasOwnPids: true,
  });
  return end === 'abandoned' ? ABANDONED_STATUS : 0;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`the supervisor failed: ${errorMessage(error)}\n`);
    process.exit(1);
  },
);
