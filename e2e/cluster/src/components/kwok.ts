import { writeFile } from 'node:fs/promises';
import { renderStages } from '../stages.ts';
import type { Component } from '../component/component.ts';
import { writeUserKubeconfig } from './user-kubeconfig.ts';

/** Label of nodes with a real kubelet. */
export const REAL_NODE_LABEL = 'testkit.archpolicy.dev/real-node';

/** Simulates the kubelet of every node with the stages in e2e/cluster/stages. */
export const kwok: Component = {
  kind: 'component',
  name: 'kwok',
  needs: ['kube-apiserver'],
  ports: [],
  async launch(cluster) {
    const kubeconfig = await writeUserKubeconfig(cluster, 'kwok');
    const stages = cluster.layout.run('stages.yaml');
    await writeFile(stages, await renderStages());
    return {
      command: cluster.tool('kwok'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        `--config=${stages}`,
        '--manage-all-nodes=false',
        // Exclude nodes with a real kubelet (e2e/real-cluster), which have this label.
        `--manage-nodes-with-label-selector=!${REAL_NODE_LABEL}`,
        '--node-ip=127.0.0.1',
        // Pod addresses, enough for 100,000 pods.
        '--cidr=10.0.0.0/15',
        '--node-lease-duration-seconds=40',
        '--v=WARN',
      ],
      // kwok has no port to check. The task `nodes-ready` waits until kwok has made the nodes Ready.
      ready: () => Promise.resolve(),
    };
  },
};
