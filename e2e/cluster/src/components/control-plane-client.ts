import { pkiFiles } from '../certificates/cluster-pki.ts';
import { getPort } from '../component/component.ts';
import type { Cluster, Component } from '../component/component.ts';
import { waitForHttpOk } from '../component/ready.ts';
import { writeUserKubeconfig } from './user-kubeconfig.ts';

/**
 * Returns a component that is a client of the API server with its own user, and serves health over TLS.
 *
 * @param own arguments of this component only
 */
export function controlPlaneClient(
  name: 'kube-controller-manager' | 'kube-scheduler',
  own: (layout: Cluster['layout']) => readonly string[],
): Component {
  return {
    kind: 'component',
    name,
    needs: ['kube-apiserver'],
    ports: ['https'],
    async launch(cluster, ports) {
      const { layout, pki, tool } = cluster;
      const kubeconfig = await writeUserKubeconfig(cluster, name);
      const port = getPort(ports, 'https');
      return {
        command: tool(name),
        args: [
          `--kubeconfig=${kubeconfig}`,
          '--bind-address=127.0.0.1',
          `--secure-port=${port}`,
          `--tls-cert-file=${layout.pki(pkiFiles.servingCertificate)}`,
          `--tls-private-key-file=${layout.pki(pkiFiles.servingKey)}`,
          '--leader-elect=false',
          // The default rate limits would be the bottleneck of every benchmark.
          '--kube-api-qps=2000',
          '--kube-api-burst=4000',
          '--profiling=false',
          ...own(layout),
        ],
        ready: (signal) => waitForHttpOk(`https://127.0.0.1:${port}/healthz`, signal, { ca: pki.authority }),
      };
    },
  };
}
