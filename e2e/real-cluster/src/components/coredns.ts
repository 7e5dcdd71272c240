import { writeFile } from 'node:fs/promises';
import type { Component } from '../../../cluster/src/component/component.ts';
import { waitForHttpOk } from '../../../cluster/src/component/ready.ts';
import { writeUserKubeconfig } from '../../../cluster/src/components/user-kubeconfig.ts';
import { network, nodePorts } from './network.ts';

/** The cluster's DNS server, on the node's address. */
export const coredns: Component = {
  kind: 'component',
  name: 'coredns',
  needs: ['kube-apiserver'],
  ports: [],
  async launch(cluster) {
    const file = cluster.layout.run('Corefile');
    await writeFile(file, corefile(await writeUserKubeconfig(cluster, 'coredns')));
    return {
      command: cluster.tool('coredns'),
      args: ['-conf', file],
      ready: (signal) => waitForHttpOk(`http://127.0.0.1:${nodePorts.dnsReady}/ready`, signal),
    };
  },
};

/** Answers the names of Services and the registry's name. All other names do not exist. */
function corefile(kubeconfig: string): string {
  return `. {
  bind ${network.node}
  ready 127.0.0.1:${nodePorts.dnsReady}
  errors
  hosts {
    ${network.node} ${network.registry}
    ttl 5
    fallthrough
  }
  kubernetes ${network.domain} in-addr.arpa {
    kubeconfig ${kubeconfig} archpolicy
    ttl 5
  }
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
`;
}
