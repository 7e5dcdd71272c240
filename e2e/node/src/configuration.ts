/** The folders of a node. */
export interface NodeFolders {
  readonly root: string;
  readonly kubelet: string;
  readonly socket: string;
}

export interface NodeSettings {
  readonly folders: NodeFolders;
  /** `host:port` of the registry, which uses plain HTTP. */
  readonly registry: string;
  readonly sandboxImage: string;
  readonly runc: string;
  readonly ports: { readonly kubelet: number; readonly health: number };
}

/** Returns a configuration of containerd 1.6, which later versions accept. */
export function containerdConfig({ folders, sandboxImage, runc }: NodeSettings): string {
  const cri = "plugins.'io.containerd.grpc.v1.cri'";
  return `version = 2
root = '${folders.root}/containerd'
state = '${folders.root}/containerd-state'
[grpc]
  address = '${folders.socket}'
[ttrpc]
  address = '${folders.socket}.ttrpc'
[${cri}]
  sandbox_image = '${sandboxImage}'
  # Without CAP_SYS_RESOURCE root may not lower oom_score_adj, and sandboxes would not start.
  restrict_oom_score_adj = true
  [${cri}.registry]
    config_path = '${folders.root}/certs.d'
  [${cri}.cni]
    bin_dir = '${folders.root}/cni/bin'
    conf_dir = '${folders.root}/cni/conf'
  [${cri}.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [${cri}.containerd.runtimes.runc.options]
      BinaryName = '${runc}'
      SystemdCgroup = false
`;
}

export function hostsToml({ registry }: NodeSettings): string {
  return `server = "http://${registry}"\n[host."http://${registry}"]\n  capabilities = ["pull", "resolve"]\n`;
}

/**
 * A network configuration that does nothing, because the suite's pods use the host's network. A node without a network
 * configuration is not Ready.
 */
export const CNI_CONFIG = JSON.stringify({ cniVersion: '0.4.0', name: 'none', plugins: [{ type: 'none' }] });
export const CNI_PLUGIN = `#!/bin/sh
case "$CNI_COMMAND" in
VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}' ;;
*) echo '{"cniVersion":"0.4.0","interfaces":[],"ips":[{"version":"4","address":"10.99.0.2/24"}]}' ;;
esac
`;

export function kubeletConfig({ folders, ports }: NodeSettings): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    containerRuntimeEndpoint: `unix://${folders.socket}`,
    address: '127.0.0.1',
    port: ports.kubelet,
    healthzBindAddress: '127.0.0.1',
    healthzPort: ports.health,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    podLogsDir: `${folders.root}/podlogs`,
    resolvConf: '',
    serializeImagePulls: false,
  });
}
