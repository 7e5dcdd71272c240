import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBundle, TESTED_PROGRAMS } from '@archpolicy/testkit';
import { down } from './commands/down.ts';
import { up } from './commands/up.ts';
import type { ClusterKind } from './commands/up.ts';
import type { Target } from './components/catalogue.ts';
import type { Programs } from './component/component.ts';
import { readConfig } from './config.ts';
import { readEnv } from './env-file.ts';
import type { ClusterEnv } from './env-file.ts';
import { ClusterError } from './errors.ts';
import { kubectlOutput, runKubectl } from './kubectl.ts';
import type { KubectlResult } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import { ControlClient } from './supervisor/control-client.ts';
import type { ClusterStatus } from './supervisor/protocol.ts';

/**
 * Timeout for the test hook that starts a cluster. The first start on a machine builds the control plane, which takes
 * about 12 CPU-minutes. Later starts take seconds.
 */
export const START_TIMEOUT_MILLISECONDS = 30 * 60_000;

export interface StartClusterOptions {
  /** Directory of the cluster; by default a new folder below the system's temporary folder. */
  readonly directory?: string;
  /** The part to start, `all` by default. `api-server` starts only etcd and the API server, for contract tests. */
  readonly only?: Target;
  /** The local cluster by default. */
  readonly kind?: ClusterKind;
  /** Replacements for the main files of webhook and operator: their bundles, or else `src/main.ts`. */
  readonly programs?: Programs;
  /** Additional flags of the API server. */
  readonly apiServerFlags?: readonly string[];
  readonly signal?: AbortSignal;
  /** Receives progress lines of a build, which takes minutes. */
  readonly log?: (line: string) => void;
}

/** A cluster of a test. When the process that started it ends for any reason, the cluster ends and its directory is removed. */
export interface TestCluster {
  readonly directory: string;
  /** The content of `CLUSTER_DIR/env`. */
  readonly env: ClusterEnv;
  /** Returns the value of a key. @throws ClusterError if it is absent */
  readonly get: (key: keyof ClusterEnv) => string;
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<KubectlResult>;
  /** Returns the output of kubectl. @throws ClusterError `Request` with its stderr, unless it succeeds */
  readonly kubectlOutput: (args: readonly string[], stdin?: string) => Promise<string>;
  readonly status: () => Promise<ClusterStatus>;
  /** Starts missing or exited components. Returns the cluster with its new environment. */
  readonly up: (target: Target, programs?: Programs) => Promise<TestCluster>;
  readonly stop: () => Promise<void>;
}

/** Starts a real control plane for a test and resolves when it is ready. Several can run side by side. */
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
    const { apiServerFlags = [] } = options;
    const programs = { ...findBundles(), ...options.programs };
    await up({ target, config, kind: options.kind, lifetime: 'process', log, signal, programs, apiServerFlags });
  } catch (error) {
    // The message contains the end of the log, so the directory can be removed.
    if (options.directory === undefined) await down(directory, log, new AbortController().signal);
    throw error;
  }
}

function findBundles(): Programs {
  return Object.fromEntries(
    TESTED_PROGRAMS.flatMap((program) => {
      const bundle = findBundle(program);
      return bundle === undefined ? [] : [[program, bundle]];
    }),
  );
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
    kubectlOutput: (args, stdin) => kubectlOutput(get('KUBECTL'), layout, args, { stdin, signal: options.signal }),
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
