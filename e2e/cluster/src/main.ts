import { randomInt } from 'node:crypto';
import { dirname } from 'node:path';
import { writePerformanceResult } from '@archpolicy/testkit';
import { Command, InvalidArgumentError, Option } from 'commander';
import { listenForInterrupts, print, printStep, runCommand } from './command-line.ts';
import { down } from './commands/down.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';
import { listTools } from './components/catalogue.ts';
import type { Target } from './components/catalogue.ts';
import { initialPolicies } from './component/component.ts';
import type { InitialPolicy } from './component/component.ts';
import { readConfig } from './config.ts';
import { readEnv } from './env-file.ts';
import type { Layout } from './layout.ts';
import { soak } from './soak/soak.ts';
import { findOnPath } from './toolchain/find-on-path.ts';
import { ensureTools } from './toolchain/tools.ts';

const interrupted = listenForInterrupts();

function program(): Command {
  const command = new Command('cluster')
    .description('A real Kubernetes control plane on this machine, in CLUSTER_DIR.')
    // Must be called before the subcommands are added, because they inherit it.
    .exitOverride();
  command
    .command('up')
    .description('start the cluster or its missing parts, and wait until it is ready')
    .addOption(new Option('--only <part>', 'start only a part').choices(['control-plane', 'api-server']))
    .addOption(
      new Option('--policy <which>', 'the policy to create if there is none')
        .choices(initialPolicies)
        .default('default'),
    )
    .action((options: UpFlags) => runUp(options.only ?? 'all', options.policy));
  command
    .command('prepare')
    .description('find, build or install the programs of a cluster, so that `up` takes seconds')
    .action(runPrepare);
  command.command('down').description('stop the cluster and remove CLUSTER_DIR').action(runDown);
  command.command('status').description('list the processes; exit status 1 unless all of them run').action(runStatus);
  command
    .command('soak')
    .description('start and stop repeatedly; writes docs/performance/soak.json')
    .addOption(new Option('--runs <number>', 'number of rounds').default(20).argParser(positive))
    .addOption(new Option('--seed <number>', 'seed of the moments at which `up` is killed').argParser(positive))
    .addOption(
      new Option('--only <part>', 'start only a part; writes nothing').choices(['control-plane', 'api-server']),
    )
    .action(runSoak);
  return command;
}

interface UpFlags {
  readonly only?: Target;
  readonly policy: InitialPolicy;
}

async function runUp(target: Target, policy: InitialPolicy): Promise<void> {
  const begin = performance.now();
  const layout = await up({
    target,
    policy,
    config: readConfig(),
    lifetime: 'command',
    log: print,
    onEvent: printStep,
    signal: interrupted,
  });
  print(`ready after ${((performance.now() - begin) / 1000).toFixed(1)} s. To use it:`);
  print(await usage(layout));
}

async function usage(layout: Layout): Promise<string> {
  const { KUBECTL = 'kubectl' } = await readEnv(layout.env);
  const isOnPath = (await findOnPath('kubectl', process.env['PATH'])) !== undefined;
  return [
    `  export KUBECONFIG=${layout.kubeconfig}`,
    ...(isOnPath ? [] : [`  export PATH=$PATH:${dirname(KUBECTL)}`]),
    '  kubectl get nodes',
    `Everything else is in ${layout.env}; \`make status\` lists the processes, \`make down\` stops them.`,
  ].join('\n');
}

async function runPrepare(): Promise<void> {
  const { paths } = await ensureTools(listTools('all'), readConfig(), print, interrupted);
  for (const [name, path] of Object.entries(paths)) print(`${name}: ${path}`);
}

async function runDown(): Promise<void> {
  const { clusterDirectory } = readConfig();
  const existed = await down(clusterDirectory, print, interrupted);
  print(existed ? 'stopped' : `there is no cluster in ${clusterDirectory}`);
}

interface SoakFlags {
  readonly runs: number;
  readonly seed?: number;
  readonly only?: Target;
}

async function runSoak({ only, runs, seed = randomInt(1, 1_000_000) }: SoakFlags): Promise<void> {
  const target = only ?? 'all';
  const measured = await soak({ runs, seed, target, config: readConfig(), log: print, signal: interrupted });
  for (const { met, name, target: wanted } of measured) print(`${met ? 'met' : 'MISSED'}: ${name}, ${wanted}`);
  if (only === undefined) {
    const title = 'Starting and stopping the local cluster';
    print(await writePerformanceResult({ name: 'soak', title, command: 'make soak', measurements: measured }));
  }
  process.exitCode = measured.every(({ met }) => met) ? 0 : 1;
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('it must be a whole number above 0.');
}

async function runStatus(): Promise<void> {
  const { isRunning, text } = await status(readConfig().clusterDirectory);
  print(text);
  process.exitCode = isRunning ? 0 : 1;
}

await runCommand(program());
