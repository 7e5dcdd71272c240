import { readFile } from 'node:fs/promises';
import { pkiFiles } from '../certificates/cluster-pki.ts';
import { getPort } from '../component/component.ts';
import type { Component } from '../component/component.ts';
import { waitForHttpOk } from '../component/ready.ts';

export const etcd: Component = {
  kind: 'component',
  name: 'etcd',
  needs: [],
  ports: ['client', 'peer'],
  async launch({ layout, tool }, ports) {
    const client = `https://127.0.0.1:${getPort(ports, 'client')}`;
    const peer = `http://127.0.0.1:${getPort(ports, 'peer')}`;
    const [ca, cert, key] = await Promise.all(
      [pkiFiles.etcdAuthority, pkiFiles.etcdCertificate, pkiFiles.etcdKey].map((name) =>
        readFile(layout.pki(name), 'utf8'),
      ),
    );
    return {
      command: tool('etcd'),
      args: [
        '--name=local',
        `--data-dir=${layout.data('etcd')}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=local=${peer}`,
        `--cert-file=${layout.pki('etcd.crt')}`,
        `--key-file=${layout.pki('etcd.key')}`,
        '--client-cert-auth',
        `--trusted-ca-file=${layout.pki(pkiFiles.etcdAuthority)}`,
        // The data does not outlive the cluster, so fsync is not needed.
        '--unsafe-no-fsync',
        // Benchmarks write many objects, which exceed the default of 2 GB.
        '--quota-backend-bytes=8589934592',
        '--log-level=warn',
        // The gateway would connect to etcd with the serving certificate, and its JSON interface is not used.
        '--enable-grpc-gateway=false',
      ],
      ready: (signal) => waitForHttpOk(`${client}/health`, signal, { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }),
    };
  },
};
