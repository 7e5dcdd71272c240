import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { removeDirectory } from '../directory.ts';
import { errorMessage } from '../errors.ts';
import { clusterLayout } from '../layout.ts';
import { deathWithParent } from '../process/child.ts';
import { listen } from './control-server.ts';
import { componentEnvironment } from './environment.ts';
import { Supervisor } from './supervisor.ts';

/**
 * The supervisor's process: `main.ts DIRECTORY [--remove-when-abandoned]`. Its standard input is a pipe from the process that
 * started it: if that process ends before it releases the cluster, the cluster ends.
 */
async function main(): Promise<void> {
  const [directory = '', flag] = process.argv.slice(2);
  const layout = clusterLayout(directory);
  const supervisor = new Supervisor({
    layout,
    env: componentEnvironment(layout, process.env),
    prefix: deathWithParent(),
    log: (message) => process.stderr.write(`${new Date().toISOString()} ${message}\n`),
  });
  let released = false;
  let ending = false;
  const end = async (reason: string, remove: boolean): Promise<void> => {
    if (ending) return;
    ending = true;
    process.stderr.write(`${new Date().toISOString()} stopping: ${reason}\n`);
    await supervisor.stop();
    if (remove) await removeDirectory(layout);
    process.exit(0);
  };
  const endNow = (reason: string, remove = false): void => {
    end(reason, remove).catch((error: unknown) => {
      process.stderr.write(`failed to stop: ${errorMessage(error)}\n`);
      // When this process exits, the kernel kills the components.
      process.exit(1);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      endNow(signal);
    });
  const token = randomBytes(32).toString('hex');
  const { port } = await listen({
    token,
    supervisor,
    onRelease: () => {
      released = true;
    },
    onStop: () => {
      endNow('requested');
    },
  });
  // Replace the file atomically, so that readers never see a part of it.
  await writeFile(`${layout.control}.new`, JSON.stringify({ port, token, pid: process.pid }), { mode: 0o600 });
  await rename(`${layout.control}.new`, layout.control);
  process.stdin.resume();
  for (const event of ['end', 'error'] as const) {
    process.stdin.on(event, () => {
      if (!released) endNow('the process that started it has exited', flag === '--remove-when-abandoned');
    });
  }
  process.stdout.write('listening\n');
}

main().catch((error: unknown) => {
  process.stderr.write(`the supervisor could not start: ${errorMessage(error)}\n`);
  process.exit(1);
});
