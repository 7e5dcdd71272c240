import type { ApiClient } from '../api-client.ts';
import type { ClusterPki } from '../certificates/cluster-pki.ts';
import type { Layout } from '../layout.ts';

/** The processes of a cluster, in the order in which `status` lists them. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'registry',
  'redis',
  'webhook',
  'operator',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** Steps of a start that are no process: they run at every `up`, so each can be repeated. */
export const taskNames = [
  'kubeconfig',
  'nodes',
  'nodes-ready',
  'default-account',
  'archpolicy',
  'webhook-configuration',
] as const;
export type TaskName = (typeof taskNames)[number];

export type UnitName = ComponentName | TaskName;

/** The programs that are not part of this repository. */
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
export type ToolName = (typeof toolNames)[number];
/** Where each program lies that this start needs. */
export type ToolPaths = Readonly<Partial<Record<ToolName, string>>>;

/** Files that Node runs in the place of webhook/src/main.ts and operator/src/main.ts. */
export interface Programs {
  readonly webhook?: string | undefined;
  readonly operator?: string | undefined;
}

/** What `up` does about a policy: the one of deploy/ set to Enforce where no policy is there yet, or nothing. */
export const initialPolicies = ['default', 'none'] as const;
export type InitialPolicy = (typeof initialPolicies)[number];

/** What a component may ask about its cluster. */
export interface Cluster {
  readonly layout: Layout;
  readonly pki: ClusterPki;
  /** `v1.36.3`: what the control plane calls itself, and so do the nodes. */
  readonly kubernetesVersion: string;
  /** Another main file of ours than the one in the repository. */
  readonly programs: Programs;
  readonly policy: InitialPolicy;
  /** Further flags of the API server: admission plugins that are off by default, for instance. */
  readonly apiServerFlags: readonly string[];
  /** What the user set of `ARCHPOLICY_*`; what the cluster itself has to say about them wins. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tool: (name: ToolName) => string;
  /** The port of a component that was started before this one. */
  readonly port: (component: ComponentName, label: string) => number;
  /** `https://127.0.0.1:<port>` of the API server. */
  readonly apiServer: () => string;
  /** As the user with all rights. */
  readonly api: () => ApiClient;
}

/** How to run a component once, and how to know that it serves. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves once it serves. That it has exited meanwhile is noticed elsewhere. */
  ready(signal: AbortSignal): Promise<void>;
}

export interface Component {
  readonly kind: 'component';
  readonly name: ComponentName;
  readonly needs: readonly UnitName[];
  /** Labels of the ports that it listens on. */
  readonly ports: readonly string[];
  /** Writes what the component reads and returns its command line. */
  launch(cluster: Cluster, ports: ReadonlyMap<string, number>): Promise<Launch>;
}

export interface Task {
  readonly kind: 'task';
  readonly name: TaskName;
  readonly needs: readonly UnitName[];
  run(cluster: Cluster, signal: AbortSignal): Promise<void>;
}

export type Unit = Component | Task;

/** The number that a component chose for a label of its own `ports`. */
export function getPort(ports: ReadonlyMap<string, number>, label: string): number {
  const port = ports.get(label);
  if (port === undefined) throw new TypeError(`no port was chosen for ${label}`);
  return port;
}
