import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cluster, Component } from '../../../cluster/src/component/component.ts';
import { waitFor } from '../../../cluster/src/wait.ts';
import { clusterRegistry, network } from './network.ts';
import { SANDBOX_IMAGE } from './sandbox-image.ts';

/** In the cluster's own /run. The path is short, because the paths of sockets are limited to 107 bytes. */
export const CONTAINERD_SOCKET = '/run/containerd.sock';

const START_TIMEOUT_MILLISECONDS = 60_000;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** containerd with runc, and the CNI plugins that give pods their addresses. */
export const containerd: Component = {
  kind: 'component',
  name: 'containerd',
  needs: ['registry'],
  ports: [],
  async launch(cluster) {
    const { layout, tool } = cluster;
    const folder = layout.run('containerd');
    const config = join(folder, 'config.toml');
    await writeFiles(folder, {
      'config.toml': containerdConfig(cluster, folder),
      'cni/10-pods.conflist': cniConfig(),
      ...hostsFiles(cluster.port('registry', 'http')),
    });
    return {
      command: tool('containerd'),
      args: ['--config', config],
      // containerd finds its shim on PATH.
      env: { PATH: [dirname(tool('containerd')), dirname(tool('runc')), SYSTEM_PATH].join(':') },
      ready: async (signal) => {
        await waitFor(() => access(CONTAINERD_SOCKET).then(() => true), {
          what: 'the socket of containerd',
          timeoutMs: START_TIMEOUT_MILLISECONDS,
          signal,
        });
      },
    };
  },
};

/** Returns a configuration of containerd 1.6, which later versions accept. */
function containerdConfig({ layout, port, tool }: Cluster, folder: string): string {
  const cri = "plugins.'io.containerd.grpc.v1.cri'";
  return `version = 2
root = '${layout.data('containerd')}'
state = '/run/containerd-state'
[grpc]
  address = '${CONTAINERD_SOCKET}'
[ttrpc]
  address = '${CONTAINERD_SOCKET}.ttrpc'
[${cri}]
  sandbox_image = '${clusterRegistry(port('registry', 'http'))}/${SANDBOX_IMAGE}'
  # Without CAP_SYS_RESOURCE root may not lower oom_score_adj, and sandboxes would not start.
  restrict_oom_score_adj = true
  [${cri}.registry]
    config_path = '${folder}/certs.d'
  [${cri}.cni]
    bin_dir = '${tool('cni-plugins')}'
    conf_dir = '${folder}/cni'
  [${cri}.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [${cri}.containerd.runtimes.runc.options]
      BinaryName = '${tool('runc')}'
      SystemdCgroup = false
`;
}

/**
 * Returns a network in which each pod has a veth pair and a route. Unlike with a bridge, all packets between pods of one
 * node pass the node's connection tracking, so that Services do not depend on the machine's settings for bridges.
 */
function cniConfig(): string {
  const ipam = {
    type: 'host-local',
    dataDir: '/run/cni-addresses',
    ranges: [[{ subnet: network.pods }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] });
}

/** Returns a file for each name of the registry, so that containerd uses plain HTTP. */
function hostsFiles(port: number): Readonly<Record<string, string>> {
  const server = `http://127.0.0.1:${port}`;
  const hosts = `server = "${server}"\n[host."${server}"]\n  capabilities = ["pull", "resolve"]\n`;
  const names = [clusterRegistry(port), `127.0.0.1:${port}`];
  return Object.fromEntries(names.map((name) => [`certs.d/${name}/hosts.toml`, hosts]));
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
