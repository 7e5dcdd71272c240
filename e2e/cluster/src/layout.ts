import { join, resolve } from 'node:path';

/** The paths of one cluster, all below `CLUSTER_DIR`. */
export interface Layout {
  readonly root: string;
  /**
   * The file that marks the directory as a directory of a cluster, so that it may be removed. Contains the id of the
   * cluster.
   */
  readonly marker: string;
  /** The file with the supervisor's port and token. Its mode is 0600. */
  readonly control: string;
  /** A file for scripts, with one KEY=value per line. */
  readonly env: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly webhookTls: string;
  /** HOME of all processes, so that they do not write into the user's home directory. */
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
 * `NODE_COMPILE_CACHE` of webhook and operator. Without the cache, a start from source spends a third of its CPU time
 * on stripping types and compiling. The released image does not need the cache, because the image contains one compiled
 * file.
 */
export const compileCache = join(repositoryRoot, 'node_modules', '.cache', 'compile');
/** The Go module that pins the control plane. */
export const toolsModule = join(repositoryRoot, 'e2e', 'tools');
export const stagesDirectory = join(repositoryRoot, 'e2e', 'cluster', 'stages');
