import { Command, CommanderError } from 'commander';
import { up } from '../../cluster/src/commands/up.ts';
import { readConfig } from '../../cluster/src/config.ts';
import { ClusterError, errorMessage } from '../../cluster/src/errors.ts';
import { deploy, findImage } from './deploy/deploy.ts';
import { findManifests } from './deploy/find-manifests.ts';
import { realCluster } from './index.ts';

process.stdout.on('error', () => undefined);

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupt.abort();
  });
}

function program(): Command {
  const command = new Command('real-cluster')
    .description('A cluster with a real node on this machine, in CLUSTER_DIR.')
    .exitOverride();
  command
    .command('up')
    .description('start the cluster, and wait until it is ready')
    .option('--deploy <folder>', 'then apply these manifests of deploy/ with the image of `make image`')
    .action(runUp);
  return command;
}

async function runUp({ deploy: folder }: { readonly deploy?: string }): Promise<void> {
  const begin = performance.now();
  // Report mistakes before the start.
  const wanted =
    folder === undefined ? undefined : { manifests: await findManifests(folder), image: await findImage() };
  const layout = await up({
    kind: realCluster,
    target: 'control-plane',
    config: readConfig(),
    lifetime: 'command',
    log: print,
    onEvent: (event) => {
      if (event.kind === 'done' && !event.wasRunning && event.seconds >= 0.05)
        print(`  ${event.name} (${event.seconds.toFixed(1)} s)`);
    },
    signal: interrupt.signal,
  });
  if (wanted !== undefined) {
    print(`  deploying ${wanted.manifests}`);
    await deploy({ layout, ...wanted, signal: interrupt.signal });
  }
  print(`ready after ${((performance.now() - begin) / 1000).toFixed(1)} s. To use it:`);
  print(`  export KUBECONFIG=${layout.kubeconfig}`);
  print(`Everything else is in ${layout.env}; \`make down\` ends it.`);
}

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError))
    process.stderr.write(`${error instanceof ClusterError ? error.message : errorMessage(error)}\n`);
  process.exitCode = exitStatus(error);
}

function exitStatus(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof ClusterError)) return 1;
  // 128 plus the number of SIGINT, which is the exit status of shells.
  if (error.code === 'Cancelled') return 130;
  return error.code === 'Config' ? 2 : 1;
}
