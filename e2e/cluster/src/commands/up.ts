import { stopProcesses } from './stop-processes.ts';
import { listTools } from '../components/catalogue.ts';
import type { Target } from '../components/catalogue.ts';
import type { InitialPolicy, Programs, ToolPaths } from '../component/component.ts';
import type { Config } from '../config.ts';
import { clusterId, createDirectory, removeDirectory } from '../directory.ts';
import { ClusterError } from '../errors.ts';
import { clusterLayout } from '../layout.ts';
import type { Layout } from '../layout.ts';
import { removeControlGroups } from '../process/control-groups.ts';
import { killLeftovers } from '../process/leftovers.ts';
import { withLock } from '../process/lock.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import { launchSupervisor } from '../supervisor/launch.ts';
import type { StartEvent } from '../supervisor/protocol.ts';
import { ensureTools } from '../toolchain/tools.ts';
import type { Toolchain } from '../toolchain/tools.ts';

/** A kind of cluster with a supervisor and programs of its own. */
export interface ClusterKind {
  /** The main file of the supervisor. */
  readonly supervisor: string;
  /** Finds or builds the programs that the local cluster does not have. */
  readonly ensureTools: (config: Config, log: (line: string) => void, signal: AbortSignal) => Promise<ToolPaths>;
}

export interface UpOptions {
  readonly target: Target;
  readonly config: Config;
  /**
   * `command`: the cluster outlives this process. `process`: when this process ends, the cluster ends and its directory
   * is removed.
   */
  readonly lifetime: 'command' | 'process';
  readonly kind?: ClusterKind | undefined;
  readonly programs?: Programs;
  readonly policy?: InitialPolicy;
  /** Additional flags of the API server. They have no effect if the API server is already running. */
  readonly apiServerFlags?: readonly string[];
  readonly log: (line: string) => void;
  readonly onEvent?: (event: StartEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Starts a cluster, or the missing parts of an existing one, and resolves when it is ready.
 * @throws ClusterError with one clear line, after all components that this call started have been stopped
 */
export async function up(options: UpOptions): Promise<Layout> {
  const { config, signal, target, log } = options;
  if (process.platform !== 'linux') {
    throw new ClusterError(
      'Toolchain',
      `the local cluster needs Linux, this is ${process.platform}: use a Linux machine`,
    );
  }
  const layout = clusterLayout(config.clusterDirectory);
  const common = await ensureTools(listTools(target), config, log, signal);
  const own = await options.kind?.ensureTools(config, log, signal);
  const toolchain = { ...common, paths: { ...common.paths, ...own } };
  const onWait = (): void => {
    log('waiting for another `up` or `down` of this cluster');
  };
  await withLock(layout.root, { onWait, signal }, async () => {
    const running = await ControlClient.connect(layout);
    if (running === undefined) await startNew(layout, toolchain, options);
    else await startWith(running, toolchain, options);
  });
  return layout;
}

async function startNew(layout: Layout, toolchain: Toolchain, options: UpOptions): Promise<void> {
  await cleanUp(layout, options.log);
  const id = await createDirectory(layout);
  const abandon = options.lifetime === 'process';
  const supervisor = await launchSupervisor(layout, id, options.config.environment, abandon, options.kind?.supervisor);
  const client = await ControlClient.connect(layout);
  if (client === undefined) throw new ClusterError('Supervisor', 'the supervisor does not respond');
  try {
    await startWith(client, toolchain, options);
    if (abandon) {
      supervisor.unref();
    } else {
      await client.release();
      supervisor.detach();
    }
  } catch (error) {
    // Keep the logs for the user.
    await stopProcesses(layout, id);
    supervisor.detach();
    throw error;
  } finally {
    await client.close();
  }
}

async function startWith(client: ControlClient, toolchain: Toolchain, options: UpOptions): Promise<void> {
  const kubectl = toolchain.paths.kubectl ?? '';
  const request = {
    target: options.target,
    tools: toolchain.paths,
    kubectl,
    kubernetesVersion: toolchain.kubernetesVersion,
    programs: options.programs ?? {},
    policy: options.policy ?? 'default',
    apiServerFlags: options.apiServerFlags ?? [],
    environment: options.config.archPolicy,
  };
  await client.start(request, options.signal, (event) => options.onEvent?.(event));
}

/** Cleans up after a cluster whose supervisor has ended. */
async function cleanUp(layout: Layout, log: (line: string) => void): Promise<void> {
  const id = await clusterId(layout);
  if (id === undefined) return;
  const killed = await killLeftovers(id);
  await removeControlGroups(id);
  await removeDirectory(layout);
  log(`cleaned up a cluster that had not been stopped (${killed} processes)`);
}
