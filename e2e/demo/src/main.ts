import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImages, readClusterEnv, shellEnv, writeApps } from './cluster.ts';
import { readConfig, ROOT } from './config.ts';
import { renderSvg } from './picture.ts';
import { showCounts, bootstrap, install, placeNewPods, remediate } from './story.ts';
import type { Observation, StoryContext } from './story.ts';
import { runQuietly, Terminal } from './terminal.ts';

/** How often the story looks whether something has happened. */
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

/** Builds the control plane where it is not cached yet: minutes, with its progress, before the story begins. */
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
  if (started.status !== 0) return [{ what: 'the cluster starts', seen: false }];
  const cluster = await readClusterEnv(config.clusterDirectory);
  const registry = cluster.get('REGISTRY') ?? '';
  await pushImages(registry);
  const env = shellEnv(cluster, config.clusterDirectory, baseEnv);
  const apps = await writeApps(registry, config.clusterDirectory);
  const stage: StoryContext = { terminal, env, waitUntil: waitUntil, apps, policy: 'e2e/demo/policy.yaml' };
  const { before, observations: promises } = await bootstrap(stage);
  return [
    ...promises,
    ...(await install(stage)),
    ...(await remediate(stage, before)),
    ...(await placeNewPods(stage)),
    ...(await showCounts(stage)),
  ];
}

function printSummary(promises: readonly Observation[], seconds: number): void {
  terminal.heading(`What was seen, in ${seconds.toFixed(0)} seconds`);
  for (const { what, seen } of promises) {
    terminal.print(seen ? 'good' : 'bad', `${seen ? '✓' : '✗ NOT SEEN:'} ${what}`);
  }
}

async function cleanUp(): Promise<void> {
  if (config.keep) {
    process.stdout.write(
      [
        '',
        'The cluster is still there (KEEP=1). To look around:',
        `  export CLUSTER_DIR=${config.clusterDirectory} KUBECONFIG=${config.clusterDirectory}/kubeconfig`,
        '  kubectl get pods -n shop -o wide',
        '  kubectl describe archpolicy default',
        'and to end it: make down',
        '',
      ].join('\n'),
    );
    return;
  }
  const { status, output } = await runQuietly('make down', baseEnv);
  if (status !== 0) process.stderr.write(`make down failed: ${output}\n`);
}

try {
  if (!(await prepare())) throw new Error('the programs of the local cluster are not there');
  const begin = performance.now();
  const promises = await runStory();
  printSummary(promises, (performance.now() - begin) / 1000);
  process.exitCode = promises.every(({ seen }) => seen) ? 0 : 1;
  if (config.picture !== undefined) {
    const lines = terminal.lines.map((line) => ({ ...line, text: line.text.replaceAll(ROOT, '') }));
    await writeFile(config.picture, renderSvg('make demo', lines));
  }
} catch (error) {
  process.stderr.write(`the demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
