import { writeFile } from 'node:fs/promises';
import { REAL_NODE_NAME } from '../../../cluster/src/certificates/cluster-pki.ts';
import type { Cluster, Component } from '../../../cluster/src/component/component.ts';
import { waitForHttpOk } from '../../../cluster/src/component/ready.ts';
import { REAL_NODE_LABEL } from '../../../cluster/src/components/kwok.ts';
import { writeUserKubeconfig } from '../../../cluster/src/components/user-kubeconfig.ts';
import { CONTAINERD_SOCKET } from './containerd.ts';
import { network, nodePorts } from './network.ts';

/** @param controlGroup name of the control group below which the kubelet creates those of pods */
export function createKubelet(controlGroup: string): Component {
  return {
    kind: 'component',
    name: 'kubelet',
    needs: ['containerd', 'kube-apiserver', 'sandbox-image'],
    ports: [],
    async launch(cluster) {
      const { layout, tool } = cluster;
      const config = layout.run('kubelet.json');
      await writeFile(config, kubeletConfig(cluster, controlGroup));
      return {
        command: tool('kubelet'),
        args: [
          `--config=${config}`,
          `--kubeconfig=${await writeUserKubeconfig(cluster, 'kubelet')}`,
          `--root-dir=${layout.data('kubelet')}`,
          `--cert-dir=${layout.data('kubelet/pki')}`,
          `--hostname-override=${REAL_NODE_NAME}`,
          `--node-ip=${network.node}`,
          `--node-labels=${REAL_NODE_LABEL}=true`,
        ],
        ready: (signal) => waitForHttpOk(`http://127.0.0.1:${nodePorts.kubeletHealth}/healthz`, signal),
      };
    },
  };
}

function kubeletConfig({ layout }: Cluster, controlGroup: string): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${controlGroup}`,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    address: network.node,
    port: nodePorts.kubelet,
    healthzBindAddress: '127.0.0.1',
    healthzPort: nodePorts.kubeletHealth,
    readOnlyPort: 0,
    // The API server reads logs and runs commands without a client certificate. Only the cluster's processes and pods
    // reach this address.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    clusterDNS: [network.node],
    clusterDomain: network.domain,
    resolvConf: '',
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    podLogsDir: layout.data('pod-logs'),
    serializeImagePulls: false,
  });
}
