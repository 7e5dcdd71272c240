import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImages, readClusterEnv, shellEnv, writeApps } from './cluster.ts';
import { readConfig, ROOT } from './config.ts';
import { renderSvg } from './picture.ts';
import { showCounts, bootstrap, install, placeNewPods, remediate } from './story.ts';
import type { Observation, StoryContext } from './story.ts';
import { runQuietly, Terminal } from './terminal.ts';

/** Polling interval of conditions. */
const POLL_MS = 250;

const config = readConfig(process.env, process.stdout.isTTY);
const terminal = new Terminal((text) => process.stdout.write(text), config.colours);
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupt.abort(new Error('interrupted'));
  });
}
const baseEnv: NodeJS.ProcessEnv = { ...process.env, CLUSTER_DIR: config.clusterDirectory };
process.chdir(ROOT);

async function waitUntil(condition: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await condition()) return true;
    await sleep(POLL_MS, undefined, { signal: interrupt.signal });
  }
  return await condition();
}

/** Builds the control plane, which takes minutes, unless it is cached. Prints its progress before the story begins. */
async function prepare(): Promise<boolean> {
  const child = spawn(process.execPath, ['e2e/cluster/src/main.ts', 'prepare'], {
    env: baseEnv,
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: interrupt.signal,
  });
  return await new Promise((resolve) => {
    child.once('error', () => {
      resolve(false);
    });
    child.once('exit', (code) => {
      resolve(code === 0);
    });
  });
}

async function runStory(): Promise<Observation[]> {
  terminal.heading('A real control plane on this machine: etcd, API server, scheduler, registry, four nodes.');
  const started = await terminal.run('make up ONLY=control-plane', baseEnv);
  if (started.status !== 0) return [{ what: 'the cluster starts', isMet: false }];
  const cluster = await readClusterEnv(config.clusterDirectory);
  const registry = cluster.get('REGISTRY') ?? '';
  await pushImages(registry);
  const env = shellEnv(cluster, config.clusterDirectory, baseEnv);
  const apps = await writeApps(registry, config.clusterDirectory);
  const stage: StoryContext = { terminal, env, waitUntil: waitUntil, apps, policy: 'e2e/demo/policy.yaml' };
  const { before, observations } = await bootstrap(stage);
  return [
    ...observations,
    ...(await install(stage)),
    ...(await remediate(stage, before)),
    ...(await placeNewPods(stage)),
    ...(await showCounts(stage)),
  ];
}

function printSummary(observations: readonly Observation[], seconds: number): void {
  terminal.heading(`Results, after ${seconds.toFixed(0)} seconds`);
  for (const { what, isMet } of observations) {
    terminal.print(isMet ? 'good' : 'bad', `${isMet ? '✓' : '✗ NOT MET:'} ${what}`);
  }
}

async function cleanUp(): Promise<void> {
  if (config.keep) {
    process.stdout.write(
      [
        '',
        'The cluster keeps running (KEEP=1). To explore it:',
        `  export CLUSTER_DIR=${config.clusterDirectory} KUBECONFIG=${config.clusterDirectory}/kubeconfig`,
        '  kubectl get pods -n shop -o wide',
        '  kubectl describe archpolicy default',
        'To stop it: make down',
        '',
      ].join('\n'),
    );
    return;
  }
  const { status, output } = await runQuietly('make down', baseEnv);
  if (status !== 0) process.stderr.write(`make down failed: ${output}\n`);
}

try {
  if (!(await prepare())) throw new Error('the programs of the local cluster could not be prepared');
  const begin = performance.now();
  const observations = await runStory();
  printSummary(observations, (performance.now() - begin) / 1000);
  process.exitCode = observations.every(({ isMet }) => isMet) ? 0 : 1;
  if (config.picture !== undefined) {
    const lines = terminal.lines.map((line) => ({ ...line, text: line.text.replaceAll(ROOT, '') }));
    await writeFile(config.picture, renderSvg('make demo', lines));
  }
} catch (error) {
  process.stderr.write(`the demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
