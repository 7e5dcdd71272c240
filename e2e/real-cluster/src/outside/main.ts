import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { clusterId, removeDirectory } from '../../../cluster/src/directory.ts';
import { ClusterError, errorMessage, hasCode } from '../../../cluster/src/errors.ts';
import { clusterLayout } from '../../../cluster/src/layout.ts';
import { deathWithParent } from '../../../cluster/src/process/child.ts';
import { createControlGroups, removeControlGroups } from '../../../cluster/src/process/control-groups.ts';
import { Ports } from '../../../cluster/src/process/ports.ts';
import { REMOVE_WHEN_ABANDONED } from '../../../cluster/src/supervisor/launch.ts';
import { network } from '../components/network.ts';
import { ABANDONED_STATUS } from '../inside/exit-status.ts';
import { forward, socketPath } from '../inside/forwarding.ts';

/** Another process may take a port between its choice and its use. */
const PORT_ATTEMPTS = 10;

const INSIDE = join(import.meta.dirname, '..', 'inside');

/**
 * The process of a cluster with a real node that is outside of its namespaces: `main.ts DIRECTORY [--remove-when-abandoned]`.
 * It starts the namespaces with the supervisor in them, forwards connections to three of their ports, and removes what
 * the kernel does not remove at the end. If this process is killed, the kernel kills all processes of the cluster.
 */
async function main(): Promise<void> {
  const [directory = '', flag] = process.argv.slice(2);
  const layout = clusterLayout(directory);
  const id = await clusterId(layout);
  if (id === undefined) throw new ClusterError('Directory', `${layout.root} holds no cluster`);
  process.chdir(layout.root);
  // Control server, API server and registry.
  const servers = await Promise.all([openPort(), openPort(), openPort()]);
  await createControlGroups(id);
  const [command = '', ...args] = [
    ...deathWithParent(),
    ...['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'],
    ...['--propagation', 'private', 'bash', join(INSIDE, 'first-process.sh')],
    ...[layout.run(), `${network.node}/24`, network.services],
    ...[process.execPath, '--disable-warning=ExperimentalWarning', join(INSIDE, 'main.ts'), layout.root],
    ...servers.map((server) => String(portOf(server))),
  ];
  const child = spawn(command, args, { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // `unshare --fork` ignores all signals but this one.
      child.kill('SIGKILL');
    });
  }
  const [status] = (await once(child, 'exit')) as [number | null];
  await removeControlGroups(id);
  if (status === ABANDONED_STATUS && flag === REMOVE_WHEN_ABANDONED) await removeDirectory(layout);
}

/** Opens a free port on loopback, and forwards its connections into the network namespace. */
async function openPort(): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const port = (await new Ports().choose('outside', ['port'])).get('port') ?? 0;
    try {
      return await forward({ host: '127.0.0.1', port }, { path: socketPath(port) });
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE') || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`the namespaces failed: ${errorMessage(error)}\n`);
    process.exit(1);
  },
);
