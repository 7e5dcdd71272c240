import { SERVICE_NETWORK } from '../../../cluster/src/components/kube-apiserver.ts';

/** Addresses and names in the network namespace of a cluster. They are the same in every cluster. */
export const network = {
  /** The node, the API server, the registry and DNS. */
  node: '172.31.0.1',
  nodes: '172.31.0.0/24',
  pods: '10.244.0.0/24',
  services: SERVICE_NETWORK,
  domain: 'cluster.local',
  /** The registry's name for pods and the node. */
  registry: 'registry.archpolicy.test',
} as const;

/** Ports of the node's own servers. They are free in a network namespace of its own. */
export const nodePorts = {
  dnsReady: 8181,
  kubelet: 10250,
  kubeletHealth: 10248,
  proxyHealth: 10256,
  proxyMetrics: 10249,
} as const;

/** Returns `host:port` of the registry, as the images of pods name it. */
export function clusterRegistry(port: number): string {
  return `${network.registry}:${port}`;
}
