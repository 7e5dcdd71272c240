import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REAL_NODE_LABEL, waitFor } from '@archpolicy/e2e';
import { freePort } from '@archpolicy/testkit';
import { CNI_CONFIG, CNI_PLUGIN, containerdConfig, hostsToml, kubeletConfig } from './configuration.ts';
import type { NodeSettings } from './configuration.ts';
import { cleanUp } from './clean-up.ts';
import type { NodeTools } from './tools.ts';

/**
 * The name of the node. It is `localhost`, because the API server uses the name of the node as the first address at
 * which it tries to connect to the kubelet.
 */
export const NODE_NAME = 'localhost';
/** Kernel settings of the machine that a kubelet changes. They are restored afterwards. */
const SYSCTLS = ['kernel/panic', 'kernel/panic_on_oops', 'vm/overcommit_memory'];
/** Folders that containerd and a kubelet create outside of their own folders. */
const SHARED_FOLDERS = ['/run/containerd', '/var/lib/kubelet', '/var/lib/cni'];
/** Prefix of the node's folder. It is short, because socket paths are limited to 107 bytes. */
const FOLDER = '/tmp/archpolicy-node-';
const START_TIMEOUT_MS = 60_000;

export interface RealNodeOptions {
  readonly tools: NodeTools;
  readonly kubeconfig: string;
  readonly registry: string;
  readonly sandboxImage: string;
}

/** A kubelet with containerd and runc: a real node of the local cluster. */
export class RealNode {
  readonly #root: string;
  readonly #sysctls: ReadonlyMap<string, string>;
  /** The folders of `SHARED_FOLDERS` that did not exist before the start. */
  readonly #made: readonly string[];
  readonly #children: ChildProcess[] = [];

  private constructor(root: string, sysctls: ReadonlyMap<string, string>, made: readonly string[]) {
    this.#root = root;
    this.#sysctls = sysctls;
    this.#made = made;
  }

  static async start(options: RealNodeOptions): Promise<RealNode> {
    const sysctls = new Map<string, string>();
    for (const name of SYSCTLS) sysctls.set(name, await readFile(`/proc/sys/${name}`, 'utf8'));
    const node = new RealNode(await mkdtemp(FOLDER), sysctls, await findAbsent(SHARED_FOLDERS));
    try {
      await node.#start(options);
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  get logs(): string {
    return this.#root;
  }

  async #start({ tools, kubeconfig, registry, sandboxImage }: RealNodeOptions): Promise<void> {
    const root = this.#root;
    const folders = { root, kubelet: join(root, 'kubelet'), socket: join(root, 'containerd.sock') };
    const ports = { kubelet: await freePort(), health: await freePort() };
    const settings: NodeSettings = { folders, registry, sandboxImage, runc: tools.runc, ports };
    await this.#configure(settings);
    const path = [tools.path, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].filter(Boolean).join(':');
    this.#spawn('containerd', tools.containerd, ['--config', join(root, 'containerd.toml')], path);
    await waitFor(() => access(folders.socket).then(() => true), { what: 'containerd', timeoutMs: START_TIMEOUT_MS });
    const flags = [
      `--config=${join(root, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${folders.kubelet}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-labels=${REAL_NODE_LABEL}=true`,
    ];
    this.#spawn('kubelet', tools.kubelet, flags, path);
  }

  async #configure(settings: NodeSettings): Promise<void> {
    const root = this.#root;
    for (const folder of ['kubelet', 'podlogs', 'cni/bin', 'cni/conf', `certs.d/${settings.registry}`]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await writeFile(join(root, 'containerd.toml'), containerdConfig(settings));
    await writeFile(join(root, 'kubelet.json'), kubeletConfig(settings));
    await writeFile(join(root, 'certs.d', settings.registry, 'hosts.toml'), hostsToml(settings));
    await writeFile(join(root, 'cni/conf/none.conflist'), CNI_CONFIG);
    await writeFile(join(root, 'cni/bin/none'), CNI_PLUGIN, { mode: 0o755 });
  }

  #spawn(name: string, command: string, args: readonly string[], path: string): void {
    const log = createWriteStream(join(this.#root, `${name}.log`));
    const child = spawn(command, [...args], { env: { PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#children.push(child);
  }

  /** Stops the node, removes its processes, mounts, control groups and folders, and restores the settings of the machine. */
  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      const isAlive = child.exitCode === null && child.signalCode === null;
      child.kill('SIGTERM');
      if (isAlive) await once(child, 'exit');
    }
    await cleanUp(this.#root);
    for (const folder of this.#made) await rm(folder, { recursive: true, force: true });
    for (const [name, value] of this.#sysctls) await writeFile(`/proc/sys/${name}`, value);
  }
}

async function findAbsent(paths: readonly string[]): Promise<readonly string[]> {
  const isThere = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_, at) => isThere[at] === false);
}
