import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { REAL_NODE_NAME } from '../../../cluster/src/certificates/cluster-pki.ts';
import type { Component } from '../../../cluster/src/component/component.ts';
import { waitForHttpOk } from '../../../cluster/src/component/ready.ts';
import { writeUserKubeconfig } from '../../../cluster/src/components/user-kubeconfig.ts';
import { network, nodePorts } from './network.ts';

/** Makes the addresses of Services reach their pods, by rules of nftables. */
export const kubeProxy: Component = {
  kind: 'component',
  name: 'kube-proxy',
  needs: ['kube-apiserver'],
  ports: [],
  async launch(cluster) {
    const { layout, tool } = cluster;
    const config = layout.run('kube-proxy.yaml');
    await writeFile(config, stringify(proxyConfig(await writeUserKubeconfig(cluster, 'kube-proxy'))));
    return {
      command: tool('kube-proxy'),
      args: [`--config=${config}`],
      env: { PATH: `${dirname(tool('nft'))}:/usr/sbin:/usr/bin:/sbin:/bin` },
      // It returns 200 after the first sync of all rules, which waits for the Node object.
      ready: (signal) => waitForHttpOk(`http://127.0.0.1:${nodePorts.proxyHealth}/healthz`, signal),
    };
  },
};

function proxyConfig(kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: REAL_NODE_NAME,
    clientConnection: { kubeconfig },
    clusterCIDR: network.pods,
    detectLocalMode: 'ClusterCIDR',
    healthzBindAddress: `127.0.0.1:${nodePorts.proxyHealth}`,
    metricsBindAddress: `127.0.0.1:${nodePorts.proxyMetrics}`,
    // Zeros leave the settings of connection tracking alone, whose maximum belongs to the whole machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    nftables: { syncPeriod: '30s', minSyncPeriod: '100ms' },
  };
}
