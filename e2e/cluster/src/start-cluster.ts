import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down } from './commands/down.ts';
import { up } from './commands/up.ts';
import type { Target } from './components/catalogue.ts';
import type { Programs } from './component/component.ts';
import { readConfig } from './config.ts';
import { readEnv } from './env-file.ts';
import type { ClusterEnv } from './env-file.ts';
import { ClusterError } from './errors.ts';
import { runKubectl } from './kubectl.ts';
import type { KubectlResult } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import { ControlClient } from './supervisor/control-client.ts';
import type { ClusterStatus } from './supervisor/protocol.ts';

/**
 * For the time-out of a test's hook: the first start on a machine builds the control plane (some 12 CPU-minutes), any
 * other takes seconds.
 */
export const START_TIMEOUT_MILLISECONDS = 30 * 60_000;

export interface StartClusterOptions {
  /** Everything of the cluster lives in it; a new folder below the system's temporary one by default. */
  readonly directory?: string;
  /** `api-server`: etcd and the API server alone, for contract tests; `all` by default. */
  readonly only?: Target;
  /** Stand-ins for webhook/src/main.ts and operator/src/main.ts. */
  readonly programs?: Programs;
  /** Further flags of the API server. */
  readonly apiServerFlags?: readonly string[];
  readonly signal?: AbortSignal;
  /** Progress of a build of minutes, line by line. */
  readonly log?: (line: string) => void;
}

/** A cluster of a test. It ends, and its directory goes, with the process that started it, however that ends. */
export interface TestCluster {
  readonly directory: string;
  /** What `CLUSTER_DIR/env` says. */
  readonly env: ClusterEnv;
  /** The value of a key that must be there. */
  readonly get: (key: keyof ClusterEnv) => string;
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<KubectlResult>;
  readonly status: () => Promise<ClusterStatus>;
  /** Starts what is missing: more of a cluster, or what died. The new environment is returned. */
  readonly up: (target: Target, programs?: Programs) => Promise<TestCluster>;
  readonly stop: () => Promise<void>;
}

/** Starts a real control plane for a test and returns when it is ready. Several run side by side. */
export async function startCluster(options: StartClusterOptions = {}): Promise<TestCluster> {
  const directory = options.directory ?? join(tmpdir(), `archpolicy-${randomUUID().slice(0, 8)}`);
  await runUp(directory, options.only ?? 'all', options);
  return openCluster(directory, options);
}

async function runUp(directory: string, target: Target, options: StartClusterOptions): Promise<void> {
  const config = { ...readConfig(), clusterDirectory: directory };
  const log = options.log ?? ((): void => undefined);
  const signal = options.signal ?? new AbortController().signal;
  try {
    const { programs = {}, apiServerFlags = [] } = options;
    await up({ target, config, lifetime: 'process', log, signal, programs, apiServerFlags });
  } catch (error) {
    // Its log's last lines are in the message; a test leaves nothing behind.
    if (options.directory === undefined) await down(directory, log, new AbortController().signal);
    throw error;
  }
}

async function openCluster(directory: string, options: StartClusterOptions): Promise<TestCluster> {
  const layout = clusterLayout(directory);
  const env = await readEnv(layout.env);
  const get = (key: keyof ClusterEnv): string => {
    const value = env[key];
    if (value === undefined) throw new ClusterError('Request', `this cluster has no ${key}`);
    return value;
  };
  return {
    directory,
    env,
    get,
    kubectl: (args, stdin) => runKubectl(get('KUBECTL'), layout, args, { stdin, signal: options.signal }),
    status: () => fetchStatus(directory),
    up: async (target, programs = options.programs ?? {}) => {
      await runUp(directory, target, { ...options, programs, directory });
      return openCluster(directory, options);
    },
    stop: async () => {
      await down(directory, () => undefined, new AbortController().signal);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function fetchStatus(directory: string): Promise<ClusterStatus> {
  const client = await ControlClient.connect(clusterLayout(directory));
  if (client === undefined) throw new ClusterError('Supervisor', `no cluster runs in ${directory}`);
  try {
    return await client.status();
  } finally {
    await client.close();
  }
}
