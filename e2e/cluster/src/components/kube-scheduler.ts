import { pkiFiles } from '../certificates/cluster-pki.ts';
import { portOf } from './component.ts';
import type { Component } from './component.ts';
import { untilHttpOk } from './ready.ts';
import { writeUserKubeconfig } from './user-kubeconfig.ts';

export const kubeScheduler: Component = {
  kind: 'component',
  name: 'kube-scheduler',
  needs: ['kube-apiserver'],
  ports: ['https'],
  async launch(cluster, ports) {
    const { layout, pki, tool } = cluster;
    const kubeconfig = await writeUserKubeconfig(cluster, 'kube-scheduler');
    const port = portOf(ports, 'https');
    return {
      command: tool('kube-scheduler'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--tls-cert-file=${layout.pki(pkiFiles.servingCertificate)}`,
        `--tls-private-key-file=${layout.pki(pkiFiles.servingKey)}`,
        '--leader-elect=false',
        '--kube-api-qps=2000',
        '--kube-api-burst=4000',
        '--profiling=false',
      ],
      ready: (signal) => untilHttpOk(`https://127.0.0.1:${port}/healthz`, signal, { ca: pki.authority }),
    };
  },
};
