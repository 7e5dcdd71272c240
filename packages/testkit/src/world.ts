import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { FakeApiServer } from './api-server/index.ts';
import { createCertificateAuthority } from './certificates/index.ts';
import type { CertificateAuthority, CertificatePair } from './certificates/index.ts';
import { freePort } from './free-port.ts';
import { dockerConfigJson, FakeRegistry } from './registry/index.ts';

const POLICIES = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const NAMESPACES = '/api/v1/namespaces';
const NODES = '/api/v1/nodes';
const SECRETS = '/api/v1/secrets';
/** The path of the Leases on the fake API server. */
export const LEASES_PATH = '/apis/coordination.k8s.io/v1/leases';

/**
 * Everything that a webhook needs, in this process: an API server, a registry, a certificate authority, and a directory
 * with kubeconfig, registries file and certificate.
 */
export interface World {
  readonly api: FakeApiServer;
  readonly registry: FakeRegistry;
  readonly authority: CertificateAuthority;
  readonly directory: string;
  /** The webhook's environment. */
  readonly env: Record<string, string>;
  readonly port: number;
  readonly opsPort: number;
  putPolicy(name: string, spec: JsonObject): void;
  putNamespace(name: string, labels?: JsonObject): void;
  putNode(name: string, architecture: string): void;
  /** Stores a Secret. The credentials of each registry are `user:password` or an entry of a docker config. */
  putPullSecret(namespace: string, name: string, auths: Readonly<Record<string, string | object>>): void;
  /** Writes the webhook's serving certificate. Without `pair`, it issues a new certificate. */
  writeCertificate(pair?: CertificatePair): Promise<void>;
  end(): Promise<void>;
}

/** Creates a world with the namespaces `kube-system` and `shop`, two nodes per architecture and one enforcing policy. */
export async function createWorld(): Promise<World> {
  const [api, registry, authority, directory, port, opsPort] = await Promise.all([
    new FakeApiServer().start(),
    new FakeRegistry().start(),
    createCertificateAuthority(),
    mkdtemp(join(tmpdir(), 'archpolicy-webhook-')),
    freePort(),
    freePort(),
  ]);
  const world = { api, registry, authority, directory, port, opsPort };
  await writeFile(join(directory, 'kubeconfig'), kubeconfig(api.url));
  await writeFile(join(directory, 'registries.yaml'), REGISTRIES);
  const putPolicy = (name: string, spec: JsonObject): void => {
    const metadata = { name, generation: 1 };
    api.collection(POLICIES).put({ apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata, spec });
  };
  const putNamespace = (name: string, labels: JsonObject = {}): void => {
    const metadata = { name, uid: `uid-of-${name}`, labels: { 'kubernetes.io/metadata.name': name, ...labels } };
    api.collection(NAMESPACES).put({ apiVersion: 'v1', kind: 'Namespace', metadata });
  };
  const putNode = (name: string, architecture: string): void => {
    api.collection(NODES).put(node(name, architecture));
  };
  const putPullSecret: World['putPullSecret'] = (namespace, name, auths) => {
    const data = { '.dockerconfigjson': Buffer.from(dockerConfigJson(auths)).toString('base64') };
    const type = 'kubernetes.io/dockerconfigjson';
    api.collection(SECRETS).put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, data });
  };
  const writeCertificate: World['writeCertificate'] = async (pair) => {
    const { certificate, key } = pair ?? (await authority.issue());
    await writeFile(join(directory, 'tls.crt'), certificate);
    await writeFile(join(directory, 'tls.key'), key);
  };
  // Every cluster has this namespace; its uid identifies the cluster.
  putNamespace('kube-system');
  putNamespace('shop');
  for (const architecture of ['amd64', 'arm64']) {
    for (const number of [1, 2]) putNode(`${architecture}-${number}`, architecture);
  }
  putPolicy('default', {});
  await writeCertificate();
  const end = async (): Promise<void> => {
    await Promise.all([api.stop(), registry.stop(), rm(directory, { recursive: true })]);
  };
  const puts = { putPolicy, putNamespace, putNode, putPullSecret };
  return { ...world, env: environment(world), ...puts, writeCertificate, end };
}

function environment({ directory, port, opsPort }: Pick<World, 'directory' | 'port' | 'opsPort'>): World['env'] {
  return {
    ARCHPOLICY_KUBECONFIG: join(directory, 'kubeconfig'),
    ARCHPOLICY_REGISTRIES_FILE: join(directory, 'registries.yaml'),
    ARCHPOLICY_TLS_DIRECTORY: directory,
    ARCHPOLICY_WEBHOOK_ADDRESS: `127.0.0.1:${port}`,
    ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${opsPort}`,
    ARCHPOLICY_DRAIN_SECONDS: '0',
    ARCHPOLICY_CERTIFICATES: 'external',
    ARCHPOLICY_LOG_LEVEL: 'error',
  };
}

const REGISTRIES = `registries:
  - host: 127.0.0.1:*
    plainHttp: true
    allowAddresses: [127.0.0.0/8]
`;

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'webhook', user: { token: 'a-token' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'webhook' } }],
    'current-context': 'fake',
  });
}

function node(name: string, architecture: string): JsonObject {
  const labels = { 'kubernetes.io/arch': architecture, 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: { architecture, operatingSystem: 'linux' },
    },
  };
}
