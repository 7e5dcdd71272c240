import { join, resolve } from 'node:path';

/** The paths of one cluster, all below `CLUSTER_DIR`. */
export interface Layout {
  readonly root: string;
  /** Marks the directory as a cluster's, which may be removed; contains the cluster's id. */
  readonly marker: string;
  /** The supervisor's port and token; mode 0600. */
  readonly control: string;
  /** For scripts: one KEY=value per line. */
  readonly env: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly webhookTls: string;
  /** HOME of all processes, so that none writes into the user's. */
  readonly home: string;
  readonly folders: readonly string[];
  log(name: string): string;
  /** Generated configuration of a component. */
  run(...names: string[]): string;
  data(name: string): string;
  pki(name: string): string;
}

export function clusterLayout(directory: string): Layout {
  const root = resolve(directory);
  return {
    root,
    marker: join(root, '.archpolicy-cluster'),
    control: join(root, 'control.json'),
    env: join(root, 'env'),
    kubeconfig: join(root, 'kubeconfig'),
    auditLog: join(root, 'log', 'audit.log'),
    webhookTls: join(root, 'webhook-tls'),
    home: join(root, 'run', 'home'),
    folders: ['log', 'run', 'run/home', 'data', 'pki'].map((name) => join(root, name)),
    log: (name) => join(root, 'log', `${name}.log`),
    run: (...names) => join(root, 'run', ...names),
    data: (name) => join(root, 'data', name),
    pki: (name) => join(root, 'pki', name),
  };
}

/** The root of the repository, three folders above e2e/cluster/src. */
export const repositoryRoot = resolve(import.meta.dirname, '..', '..', '..');

/**
 * `NODE_COMPILE_CACHE` of webhook and operator: when run from source, a third of the CPU time of a start is spent stripping
 * types and compiling the same code. The image contains one compiled file instead.
 */
export const compileCache = join(repositoryRoot, 'node_modules', '.cache', 'compile');
/** The Go module that pins the control plane. */
export const toolsModule = join(repositoryRoot, 'e2e', 'tools');
export const stagesDirectory = join(repositoryRoot, 'e2e', 'cluster', 'stages');
