import { pkiFiles } from '../certificates/cluster-pki.ts';
import { portOf } from './component.ts';
import type { Component } from './component.ts';
import { untilHttpOk } from './ready.ts';
import { writeUserKubeconfig } from './user-kubeconfig.ts';

export const kubeControllerManager: Component = {
  kind: 'component',
  name: 'kube-controller-manager',
  needs: ['kube-apiserver'],
  ports: ['https'],
  async launch(cluster, ports) {
    const { layout, pki, tool } = cluster;
    const kubeconfig = await writeUserKubeconfig(cluster, 'kube-controller-manager');
    const port = portOf(ports, 'https');
    return {
      command: tool('kube-controller-manager'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--tls-cert-file=${layout.pki(pkiFiles.servingCertificate)}`,
        `--tls-private-key-file=${layout.pki(pkiFiles.servingKey)}`,
        // Its own user has hardly any rights: each controller acts under an account of its own.
        '--use-service-account-credentials=true',
        `--service-account-private-key-file=${layout.pki(pkiFiles.accountsPrivate)}`,
        `--root-ca-file=${layout.pki(pkiFiles.authority)}`,
        '--leader-elect=false',
        // The rate limits and worker counts of production would be the bottleneck of every benchmark.
        '--kube-api-qps=2000',
        '--kube-api-burst=4000',
        '--concurrent-deployment-syncs=20',
        '--concurrent-replicaset-syncs=20',
        '--concurrent-job-syncs=20',
        '--profiling=false',
      ],
      ready: (signal) => untilHttpOk(`https://127.0.0.1:${port}/healthz`, signal, { ca: pki.authority }),
    };
  },
};
