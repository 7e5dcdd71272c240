import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { costlyPullSecrets, createWorld, multiPlatformImage } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { readMemory } from '../../process-usage.ts';
import { closedLoop, openLoop, quantile } from '../load.ts';
import { ready, start, stop } from '../processes.ts';
import { benchReview } from '../review.ts';
import { placeColdImages } from './cold-images.ts';
import { createMemoryLimit } from './memory-limit.ts';
import type { MemoryLimit } from './memory-limit.ts';

const RUN_MS = 8_000;
const WARM_UP_MS = 3_000;
const ATTACK_STARTS_MS = 3_000;
const PER_SECOND = 200;
const CONNECTIONS = 16;
const COLD_IMAGES = 12;
const SECRET = 'costly';
const COUNT_EVERY_MS = 100;
/** The memory limit of the webhook in deploy/base/workloads/webhook.yaml. */
export const MEMORY_LIMIT_MIB = 512;

/** What the namespace `shop` and the webhook's process showed during some seconds. */
export interface Phase {
  readonly p99Ms: number;
  /** The longest time until a pod of a new image was placed. */
  readonly coldMs: number;
  readonly peakMiB: number;
  /** The largest number of processes of credential plugins at once. */
  readonly plugins: number;
}

/** Starts a new webhook and measures the namespace `shop`, with or without the attack of the namespace `evil`. */
export async function measurePhase(isAttacked: boolean): Promise<Phase> {
  const world = await createWorld();
  const cold = Array.from({ length: COLD_IMAGES }, (_, index) => `cold-${index}`);
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  for (const name of cold) world.registry.push(name, 'v1', multiPlatformImage(['linux/arm64'], name));
  world.putNamespace('evil');
  for (const [number, { auths }] of costlyPullSecrets().entries()) {
    world.putPullSecret('evil', `${SECRET}-${number}`, auths);
  }
  await installPlugin(world);
  const limit = await createMemoryLimit(MEMORY_LIMIT_MIB);
  const webhook = startWebhook(world, limit);
  const pid = webhook.pid ?? 0;
  const { port, authority, registry } = world;
  const target = { port, ca: authority.certificate, body: benchReview(`${registry.host}/checkout:v1`) };
  try {
    await ready(target);
    await closedLoop(target, CONNECTIONS, WARM_UP_MS);
    const args = [String(port), authority.certificate, registry.host, SECRET];
    const attack = isAttacked ? start('./tenants/attack.ts', args, {}) : undefined;
    try {
      await sleep(ATTACK_STARTS_MS);
      const measured = new AbortController();
      const plugins = countPlugins(pid, measured.signal);
      const [latencies, coldMs] = await Promise.all([
        openLoop(target, CONNECTIONS, PER_SECOND, RUN_MS),
        placeColdImages(
          target,
          cold.map((name) => `${registry.host}/${name}:v1`),
        ),
      ]);
      measured.abort();
      const { peakMiB } = await readMemory(pid);
      const p99Ms = quantile(latencies, 0.99);
      return { p99Ms, coldMs: quantile(coldMs, 1), peakMiB, plugins: await plugins };
    } finally {
      if (attack !== undefined) await stop(attack);
    }
  } finally {
    await stop(webhook);
    await limit.remove();
    await world.end();
  }
}

/** Starts the webhook in the control group, with the PATH that the plugin needs. */
function startWebhook({ env }: World, { command }: MemoryLimit): ChildProcess {
  const [shell = '', ...args] = command;
  const main = fileURLToPath(new URL('../../../../webhook/src/main.ts', import.meta.url));
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', main];
  return spawn(shell, [...args, ...node], {
    env: { ...env, PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Installs a plugin that takes a second, as one whose cloud is slow does. */
async function installPlugin({ directory }: World): Promise<void> {
  const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
  const answer = { kind: 'CredentialProviderResponse', apiVersion, cacheKeyType: 'Registry', auth: {} };
  await writeFile(join(directory, 'provider'), `#!/bin/sh\nsleep 1\necho '${JSON.stringify(answer)}'\n`);
  await chmod(join(directory, 'provider'), 0o755);
  const provider = { name: 'provider', matchImages: ['*.ecr.test'], defaultCacheDuration: '1h', apiVersion };
  const config = { kind: 'CredentialProviderConfig', apiVersion: 'kubelet.config.k8s.io/v1', providers: [provider] };
  await writeFile(join(directory, 'providers.yaml'), JSON.stringify(config));
  const file = join(directory, 'registries.yaml');
  const credentialProviders = { configFile: join(directory, 'providers.yaml'), binDirectory: directory };
  const before = await readFile(file, 'utf8');
  await writeFile(file, `${before}credentialProviders: ${JSON.stringify(credentialProviders)}\n`);
}

/** Counts the child processes of the webhook until the signal aborts. Returns the largest number. */
async function countPlugins(pid: number, signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    const threads = await readdir(`/proc/${pid}/task`);
    const children = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')),
    );
    most = Math.max(
      most,
      children
        .join(' ')
        .split(' ')
        .filter((child) => child !== '').length,
    );
    await sleep(COUNT_EVERY_MS);
  }
  return most;
}
