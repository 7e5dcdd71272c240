import type { ApiClient } from '../api-client.ts';
import type { ClusterPki } from '../certificates/cluster-pki.ts';
import type { Layout } from '../layout.ts';

/** The processes of a cluster, in the order of `status`. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'registry',
  'redis',
  'coredns',
  'containerd',
  'kubelet',
  'kube-proxy',
  'webhook',
  'operator',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** Steps of a start that are not processes. Every `up` runs them, so each step must be idempotent. */
export const taskNames = [
  'kubeconfig',
  'nodes',
  'nodes-ready',
  'sandbox-image',
  'default-account',
  'archpolicy',
  'webhook-configuration',
] as const;
export type TaskName = (typeof taskNames)[number];

export type UnitName = ComponentName | TaskName;

/** Programs that are not part of this repository. */
export const toolNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
  'registry',
  'redis-server',
] as const;
/** Programs of a cluster with a real node (e2e/real-cluster). */
export const nodeToolNames = [
  'coredns',
  'containerd',
  'runc',
  'nft',
  'kubelet',
  'kube-proxy',
  'cni-plugins',
  'sandbox-program',
] as const;
export type ToolName = (typeof toolNames)[number] | (typeof nodeToolNames)[number];
/** Paths of the programs that a start needs. */
export type ToolPaths = Readonly<Partial<Record<ToolName, string>>>;

/** Files that Node runs instead of webhook/src/main.ts and operator/src/main.ts. */
export interface Programs {
  readonly webhook?: string | undefined;
  readonly operator?: string | undefined;
}

/**
 * `default`: if there is no policy, `up` creates the policy of deploy/ in mode Enforce. `none`: `up` creates no policy.
 */
export const initialPolicies = ['default', 'none'] as const;
export type InitialPolicy = (typeof initialPolicies)[number];

/** The cluster, as components and tasks see it. */
export interface Cluster {
  readonly layout: Layout;
  readonly pki: ClusterPki;
  /** `v1.36.3`: version of the control plane and of the nodes. */
  readonly kubernetesVersion: string;
  /** Replacements for the main files of the repository. */
  readonly programs: Programs;
  readonly policy: InitialPolicy;
  /** Additional flags of the API server, for example to enable admission plugins. */
  readonly apiServerFlags: readonly string[];
  /** `ARCHPOLICY_*` variables from the user's environment. The cluster's own settings override them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tool: (name: ToolName) => string;
  /** Returns the port of a component that has been started. */
  readonly port: (component: ComponentName, label: string) => number;
  /** Returns `https://127.0.0.1:<port>` of the API server. */
  readonly apiServer: () => string;
  /** Returns a client with cluster-admin rights. */
  readonly api: () => ApiClient;
}

/** How to run a component, and how to check that it serves. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves once the component serves. It does not detect that the process exits, so callers must check for this. */
  ready(signal: AbortSignal): Promise<void>;
}

export interface Component {
  readonly kind: 'component';
  readonly name: ComponentName;
  readonly needs: readonly UnitName[];
  /** Labels of the ports that the component listens on. */
  readonly ports: readonly string[];
  /** Writes the component's configuration and returns its command line. */
  launch(cluster: Cluster, ports: ReadonlyMap<string, number>): Promise<Launch>;
}

export interface Task {
  readonly kind: 'task';
  readonly name: TaskName;
  readonly needs: readonly UnitName[];
  run(cluster: Cluster, signal: AbortSignal): Promise<void>;
}

export type Unit = Component | Task;

/** Returns the port chosen for one of a component's labels. */
export function getPort(ports: ReadonlyMap<string, number>, label: string): number {
  const port = ports.get(label);
  if (port === undefined) throw new TypeError(`no port was chosen for ${label}`);
  return port;
}
