import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pushImage } from '@archpolicy/e2e';
import { ROOT } from './config.ts';

/** The images of the three applications, each with its platforms. */
const IMAGES: readonly (readonly [string, readonly string[]])[] = [
  ['shop/billing', ['linux/arm64']],
  ['shop/legacy', ['linux/amd64']],
  ['shop/web', ['linux/amd64', 'linux/arm64']],
];

/** Reads `CLUSTER_DIR/env`, one KEY=value per line. */
export async function readClusterEnv(clusterDirectory: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(clusterDirectory, 'env'), 'utf8');
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** Returns a user's shell environment for the cluster: its kubeconfig, and its kubectl first on PATH. */
export function shellEnv(
  cluster: ReadonlyMap<string, string>,
  clusterDirectory: string,
  base: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const kubectl = cluster.get('KUBECTL');
  const path = base['PATH'] ?? '';
  return {
    ...base,
    CLUSTER_DIR: clusterDirectory,
    KUBECONFIG: cluster.get('KUBECONFIG'),
    PATH: kubectl === undefined ? path : `${dirname(kubectl)}:${path}`,
  };
}

/** Pushes the images of the applications, as a CI pipeline would. */
export async function pushImages(registry: string): Promise<void> {
  for (const [repository, platforms] of IMAGES) await pushImage(registry, repository, 'v1', platforms);
}

/**
 * Writes the applications' manifest with the address of the registry. Returns its path, which is relative if it is
 * below the checkout.
 */
export async function writeApps(registry: string, clusterDirectory: string): Promise<string> {
  const template = await readFile(`${ROOT}e2e/demo/apps.yaml`, 'utf8');
  const path = join(clusterDirectory, 'apps.yaml');
  await writeFile(path, template.replaceAll('REGISTRY/', `${registry}/`));
  const below = relative(ROOT, path);
  return below.startsWith('..') ? path : below;
}
