import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import type { Layout } from '../layout.ts';
import { deathWithParent } from '../process/child.ts';
import type { FixedPorts } from '../process/ports.ts';
import { listen } from './control-server.ts';
import { componentEnvironment } from './environment.ts';
import { Supervisor } from './supervisor.ts';
import type { ListUnits } from './supervisor.ts';

export interface SupervisorProcess {
  readonly layout: Layout;
  readonly listUnits: ListUnits;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ports that are chosen already. */
  readonly fixedPorts?: FixedPorts;
  /** The port of the control server; any free one by default. */
  readonly controlPort?: number;
  readonly registryName?: string;
  /** Whether the supervisor runs in a pid namespace, whose process ids mean nothing outside. */
  readonly hasOwnPids?: boolean;
}

/** How a supervisor ended: it was stopped, or the process that started it ended before it released the cluster. */
export type SupervisorEnd = 'stopped' | 'abandoned';

/**
 * Runs the supervisor of a cluster and returns how it ended, after all components have ended. Standard input is a pipe
 * from the process that started it: if that process ends before it releases the cluster, the cluster ends.
 */
export async function runSupervisor(options: SupervisorProcess): Promise<SupervisorEnd> {
  const { layout, listUnits, fixedPorts = {}, registryName, controlPort = 0, hasOwnPids = false } = options;
  const supervisor = new Supervisor({
    layout,
    listUnits,
    fixedPorts,
    hasOwnPids,
    registryName,
    env: componentEnvironment(layout, options.environment),
    prefix: deathWithParent(),
    log,
  });
  let released = false;
  const { promise: ended, resolve } = Promise.withResolvers<SupervisorEnd>();
  const end = (reason: string, how: SupervisorEnd = 'stopped'): void => {
    log(`stopping: ${reason}`);
    resolve(how);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      end(signal);
    });
  const token = randomBytes(32).toString('hex');
  const { port } = await listen({
    token,
    supervisor,
    port: controlPort,
    onRelease: () => {
      released = true;
    },
    onStop: () => {
      end('requested');
    },
  });
  // Replace the file atomically, so that readers never see a part of it.
  await writeFile(`${layout.control}.new`, JSON.stringify({ port, token, pid: process.pid }), { mode: 0o600 });
  await rename(`${layout.control}.new`, layout.control);
  process.stdin.resume();
  for (const event of ['end', 'error'] as const) {
    process.stdin.on(event, () => {
      if (!released) end('the process that started it has exited', 'abandoned');
    });
  }
  process.stdout.write('listening\n');
  const how = await ended;
  await supervisor.stop();
  return how;
}

function log(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message}\n`);
}
