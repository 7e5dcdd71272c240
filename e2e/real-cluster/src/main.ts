import { Command } from 'commander';
import { listenForInterrupts, print, printStep, runCommand } from '../../cluster/src/command-line.ts';
import { up } from '../../cluster/src/commands/up.ts';
import { readConfig } from '../../cluster/src/config.ts';
import { deploy, findImage } from './deploy/deploy.ts';
import { findManifests } from './deploy/find-manifests.ts';
import { realCluster } from './index.ts';

const interrupted = listenForInterrupts();

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
    onEvent: printStep,
    signal: interrupted,
  });
  if (wanted !== undefined) {
    print(`  deploying ${wanted.manifests}`);
    await deploy({ layout, ...wanted, signal: interrupted });
  }
  print(`ready after ${((performance.now() - begin) / 1000).toFixed(1)} s. To use it:`);
  print(`  export KUBECONFIG=${layout.kubeconfig}`);
  print(`Everything else is in ${layout.env}; \`make down\` ends it.`);
}

await runCommand(program());
