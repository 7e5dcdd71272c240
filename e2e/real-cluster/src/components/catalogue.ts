import { installArchPolicy, installWebhookConfiguration } from '../../../cluster/src/archpolicy/install.ts';
import { operator, webhook } from '../../../cluster/src/archpolicy/processes.ts';
import { REAL_NODE_NAME } from '../../../cluster/src/certificates/cluster-pki.ts';
import type { Unit } from '../../../cluster/src/component/component.ts';
import type { Target } from '../../../cluster/src/components/catalogue.ts';
import { etcd } from '../../../cluster/src/components/etcd.ts';
import { createKubeApiServer } from '../../../cluster/src/components/kube-apiserver.ts';
import { kubeControllerManager } from '../../../cluster/src/components/kube-controller-manager.ts';
import { kubeScheduler } from '../../../cluster/src/components/kube-scheduler.ts';
import { kwok } from '../../../cluster/src/components/kwok.ts';
import { createNodes, nodesReady } from '../../../cluster/src/components/nodes.ts';
import { redis } from '../../../cluster/src/components/redis.ts';
import { createRegistry } from '../../../cluster/src/components/registry.ts';
import { defaultAccount, writeKubeconfig } from '../../../cluster/src/components/tasks.ts';
import { containerd } from './containerd.ts';
import { coredns } from './coredns.ts';
import { kubeProxy } from './kube-proxy.ts';
import { createKubelet } from './kubelet.ts';
import { network } from './network.ts';
import { pushSandboxImage } from './sandbox-image.ts';

/**
 * The node that kwok simulates. It has the other architecture. A simulated node of the same architecture would get pods
 * of Services, whose addresses lead nowhere.
 */
export const SIMULATED_NODE_NAME = 'arm64-1';

/** The API server is reached by pods through the Service `kubernetes`, and it reaches the kubelet by its address. */
const apiServerFlags = [
  '--bind-address=0.0.0.0',
  `--advertise-address=${network.node}`,
  '--kubelet-preferred-address-types=InternalIP',
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
];

/** Returns the units of a cluster with a real node. */
export function listUnits(target: Target, controlGroup: string): readonly Unit[] {
  const apiServer = [etcd, createKubeApiServer(apiServerFlags), writeKubeconfig];
  const controlPlane = [
    ...apiServer,
    createRegistry('0.0.0.0'),
    redis,
    kubeControllerManager,
    kubeScheduler,
    kwok,
    createNodes([SIMULATED_NODE_NAME]),
    pushSandboxImage,
    containerd,
    createKubelet(controlGroup),
    kubeProxy,
    coredns,
    nodesReady([REAL_NODE_NAME, SIMULATED_NODE_NAME], ['kubelet']),
    defaultAccount,
  ];
  switch (target) {
    case 'api-server':
      return apiServer;
    case 'control-plane':
      return controlPlane;
    case 'all':
      return [...controlPlane, installArchPolicy, webhook, operator, installWebhookConfiguration];
  }
}
