import { writeFile } from 'node:fs/promises';
import type { Layout } from '../layout.ts';
import { Authority, signingKeys } from './authority.ts';
import type { KeyPair } from './authority.ts';

/** Users that authenticate to the API server with a client certificate. */
export type User =
  'admin' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok' | 'kubelet' | 'kube-proxy' | 'coredns';

/** Keys and certificates of a control plane. Each component reads its own files from `CLUSTER_DIR/pki`. */
export interface ClusterPki {
  /** The certificate of the authority that signed all other certificates, as PEM. */
  readonly authority: string;
  readonly users: Readonly<Record<User, KeyPair>>;
}

/** The name of the node with a real kubelet (e2e/real-cluster). */
export const REAL_NODE_NAME = 'amd64-real-1';

/** ClusterIP of the API server. Clients in pods expect it in the certificate. */
const SERVICE_ADDRESS = '10.96.0.1';

/**
 * Name and groups of each user. kwok acts for all kubelets and has all rights; so has CoreDNS, which lists Services. Kubernetes gives the other names their
 * rights.
 */
const subjects: Readonly<Record<User, readonly [string, ...string[]]>> = {
  admin: ['kubernetes-admin', 'system:masters'],
  'kube-controller-manager': ['system:kube-controller-manager'],
  'kube-scheduler': ['system:kube-scheduler'],
  kwok: ['kwok', 'system:masters'],
  kubelet: [`system:node:${REAL_NODE_NAME}`, 'system:nodes'],
  'kube-proxy': ['system:kube-proxy'],
  coredns: ['coredns', 'system:masters'],
};

/** File names in `CLUSTER_DIR/pki`. */
export const pkiFiles = {
  authority: 'ca.crt',
  servingCertificate: 'server.crt',
  servingKey: 'server.key',
  etcdAuthority: 'etcd-ca.crt',
  etcdCertificate: 'etcd-client.crt',
  etcdKey: 'etcd-client.key',
  accountsPrivate: 'service-accounts.key',
  accountsPublic: 'service-accounts.pub',
} as const;

/**
 * Creates all keys and certificates of a cluster, which takes about 0.1 s, and writes the files that components read.
 */
export async function createPki(layout: Layout): Promise<ClusterPki> {
  const [authority, etcdAuthority] = await Promise.all([
    Authority.create('local-cluster-ca'),
    Authority.create('etcd-ca'),
  ]);
  const [serving, etcdServing, etcdClient, accounts, users] = await Promise.all([
    authority.serving('kube-apiserver', {
      dns: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      ip: ['127.0.0.1', SERVICE_ADDRESS],
    }),
    etcdAuthority.serving('etcd', { dns: ['localhost'], ip: ['127.0.0.1'] }),
    etcdAuthority.client('kube-apiserver'),
    signingKeys(),
    issueUsers(authority),
  ]);
  await writeAll(layout, {
    [pkiFiles.authority]: authority.certificate,
    [pkiFiles.servingCertificate]: serving.certificate,
    [pkiFiles.servingKey]: serving.key,
    [pkiFiles.etcdAuthority]: etcdAuthority.certificate,
    'etcd.crt': etcdServing.certificate,
    'etcd.key': etcdServing.key,
    [pkiFiles.etcdCertificate]: etcdClient.certificate,
    [pkiFiles.etcdKey]: etcdClient.key,
    [pkiFiles.accountsPrivate]: accounts.privateKey,
    [pkiFiles.accountsPublic]: accounts.publicKey,
  });
  return { authority: authority.certificate, users };
}

async function issueUsers(authority: Authority): Promise<ClusterPki['users']> {
  const issue = (user: User): Promise<KeyPair> => {
    const [name, ...groups] = subjects[user];
    return authority.client(name, groups);
  };
  return {
    admin: await issue('admin'),
    'kube-controller-manager': await issue('kube-controller-manager'),
    'kube-scheduler': await issue('kube-scheduler'),
    kwok: await issue('kwok'),
    kubelet: await issue('kubelet'),
    'kube-proxy': await issue('kube-proxy'),
    coredns: await issue('coredns'),
  };
}

async function writeAll(layout: Layout, files: Readonly<Record<string, string>>): Promise<void> {
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFile(layout.pki(name), content, { mode: 0o600 })),
  );
}
