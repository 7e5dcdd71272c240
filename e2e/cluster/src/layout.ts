import { join, resolve } from 'node:path';

/** Where everything of one cluster lies; all of it below `CLUSTER_DIR`. */
export interface Layout {
  readonly root: string;
  /** Says that the directory is a cluster's and may be removed; holds the cluster's id. */
  readonly marker: string;
  /** How to reach the supervisor; mode 0600, it holds a token. */
  readonly control: string;
  /** The contract for scripts: one KEY=value a line. */
  readonly env: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly webhookTls: string;
  /** HOME of everything that we run: no component leaves a file in the user's. */
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

/** The repository: e2e/cluster/src/layout.ts is three folders below it. */
export const repositoryRoot = resolve(import.meta.dirname, '..', '..', '..');

/**
 * `NODE_COMPILE_CACHE` of webhook and operator: run from source, a third of a start's CPU time goes into stripping types and
 * compiling what is the same each time. The image holds one compiled file instead.
 */
export const compileCache = join(repositoryRoot, 'node_modules', '.cache', 'compile');
/** The Go module that pins the control plane. */
export const toolsModule = join(repositoryRoot, 'e2e', 'tools');
export const stagesDirectory = join(repositoryRoot, 'e2e', 'cluster', 'stages');
