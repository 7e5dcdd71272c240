import { z } from 'zod';
import { waitFor } from '../wait.ts';
import type { Task, UnitName } from '../component/component.ts';

/** Names of the nodes. The prefix is the architecture of the node, which the stages of kwok read from the name. */
export const nodeNames = ['amd64-1', 'amd64-2', 'arm64-1', 'arm64-2'] as const;

/** Capacity of each node. Four nodes have enough for the largest benchmark. */
const capacity = { cpu: '64', memory: '256Gi', pods: '30000', 'ephemeral-storage': '1Ti' };

const NODES_TIMEOUT_MILLISECONDS = 60_000;

/** Returns the Node object with which a kubelet registers. */
export function nodeManifest(name: string, kubeletVersion: string): object {
  const architecture = name.slice(0, name.indexOf('-'));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/arch': architecture,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/hostname': name,
        'beta.kubernetes.io/arch': architecture,
        'beta.kubernetes.io/os': 'linux',
      },
    },
    status: {
      capacity,
      allocatable: capacity,
      nodeInfo: {
        architecture,
        operatingSystem: 'linux',
        kubeletVersion,
        containerRuntimeVersion: 'containerd://2.3.7',
        osImage: 'Debian GNU/Linux 12 (bookworm)',
        kernelVersion: '6.18.0',
        kubeProxyVersion: '',
        bootID: `boot-${name}`,
        machineID: `machine-${name}`,
        systemUUID: `system-${name}`,
      },
    },
  };
}

/** Returns the task that registers nodes, as their kubelets would. */
export function createNodes(names: readonly string[]): Task {
  return {
    kind: 'task',
    name: 'nodes',
    needs: ['kube-apiserver'],
    async run(cluster, signal) {
      const manifests = names.map((name) => nodeManifest(name, cluster.kubernetesVersion));
      await Promise.all(manifests.map((manifest) => cluster.api().create('/api/v1/nodes', manifest, signal)));
    },
  };
}

const nodeListSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ taints: z.array(z.unknown()).default([]) }).prefault({}),
      status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
    }),
  ),
});

/** Returns the names of the nodes that are Ready and have no taint. */
export function schedulableNodes(body: unknown): readonly string[] {
  return nodeListSchema
    .parse(body)
    .items.filter(({ spec }) => spec.taints.length === 0)
    .filter(({ status }) => status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'))
    .map(({ metadata }) => metadata.name);
}

/** Returns the task that waits until nodes are Ready. */
export function nodesReady(names: readonly string[], needs: readonly UnitName[] = []): Task {
  return {
    kind: 'task',
    name: 'nodes-ready',
    // The controller manager removes the taint `not-ready`.
    needs: ['nodes', 'kwok', 'kube-controller-manager', ...needs],
    async run(cluster, signal) {
      await waitFor(
        async (waiting) => {
          const { body } = await cluster.api().send('GET', '/api/v1/nodes', waiting);
          const ready = new Set(schedulableNodes(body));
          return names.every((name) => ready.has(name));
        },
        { timeoutMs: NODES_TIMEOUT_MILLISECONDS, what: `the nodes ${names.join(', ')} to be Ready`, signal },
      );
    },
  };
}
