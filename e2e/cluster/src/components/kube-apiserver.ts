import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { pkiFiles } from '../certificates/cluster-pki.ts';
import type { Layout } from '../layout.ts';
import { getPort } from '../component/component.ts';
import type { Cluster, Component } from '../component/component.ts';
import { waitForHttpOk } from '../component/ready.ts';

/**
 * Logs the user, verb, object and time of each request, without bodies. Omits the stage RequestReceived, which would
 * double the number of lines.
 */
const auditPolicy = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/openapi/*'] },
    { level: 'Metadata' },
  ],
});

/**
 * Size at which the log would be rotated. It is never reached, because tests count the events of the whole log in one
 * file.
 */
const AUDIT_LOG_MEGABYTES = 100_000;

/** Addresses of Services. */
export const SERVICE_NETWORK = '10.96.0.0/16';

/** Flags of an API server that only processes of this machine reach. */
const loopbackFlags = [
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  '--authorization-mode=RBAC',
  // Do not write Endpoints of the API server, because they must not contain 127.0.0.1, and no client of this cluster
  // reads them.
  '--endpoint-reconciler-type=none',
];

export const kubeApiServer = createKubeApiServer(loopbackFlags);

/**
 * Returns the API server.
 *
 * @param reachFlags flags for its addresses and for the authorization of its clients
 */
export function createKubeApiServer(reachFlags: readonly string[]): Component {
  return {
    kind: 'component',
    name: 'kube-apiserver',
    needs: ['etcd'],
    ports: ['https'],
    launch: (cluster, ports) => launch(cluster, getPort(ports, 'https'), reachFlags),
  };
}

async function launch(cluster: Cluster, port: number, reachFlags: readonly string[]): ReturnType<Component['launch']> {
  const { layout, pki, tool } = cluster;
  await writeFile(layout.run('audit-policy.yaml'), auditPolicy);
  return {
    command: tool('kube-apiserver'),
    args: [
      ...reachFlags,
      `--secure-port=${port}`,
      '--allow-privileged=true',
      `--service-cluster-ip-range=${SERVICE_NETWORK}`,
      // Benchmarks create thousands of pods.
      '--max-requests-inflight=2000',
      '--max-mutating-requests-inflight=1000',
      '--profiling=false',
      ...storageFlags(cluster),
      ...certificateFlags(layout),
      ...accountFlags(layout),
      ...auditFlags(layout),
      ...cluster.apiServerFlags,
    ],
    ready: (signal) =>
      waitForHttpOk(`https://127.0.0.1:${port}/readyz`, signal, {
        ca: pki.authority,
        cert: pki.users.admin.certificate,
        key: pki.users.admin.key,
      }),
  };
}

function storageFlags({ layout, port }: Cluster): readonly string[] {
  return [
    `--etcd-servers=https://127.0.0.1:${port('etcd', 'client')}`,
    `--etcd-cafile=${layout.pki(pkiFiles.etcdAuthority)}`,
    `--etcd-certfile=${layout.pki(pkiFiles.etcdCertificate)}`,
    `--etcd-keyfile=${layout.pki(pkiFiles.etcdKey)}`,
  ];
}

function certificateFlags(layout: Layout): readonly string[] {
  return [
    `--client-ca-file=${layout.pki(pkiFiles.authority)}`,
    `--tls-cert-file=${layout.pki(pkiFiles.servingCertificate)}`,
    `--tls-private-key-file=${layout.pki(pkiFiles.servingKey)}`,
  ];
}

/** Returns the flags for ServiceAccounts, whose admission plugin is enabled by default. */
function accountFlags(layout: Layout): readonly string[] {
  return [
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${layout.pki(pkiFiles.accountsPrivate)}`,
    `--service-account-key-file=${layout.pki(pkiFiles.accountsPublic)}`,
  ];
}

function auditFlags(layout: Layout): readonly string[] {
  return [
    `--audit-policy-file=${layout.run('audit-policy.yaml')}`,
    `--audit-log-path=${layout.auditLog}`,
    `--audit-log-maxsize=${AUDIT_LOG_MEGABYTES}`,
  ];
}
