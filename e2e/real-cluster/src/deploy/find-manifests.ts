import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError } from '../../../cluster/src/errors.ts';
import { repositoryRoot } from '../../../cluster/src/layout.ts';

/**
 * Returns the folder of manifests that `DEPLOY` names, such as `overlays/small`.
 * @throws ClusterError `Config` if there is none
 */
export async function findManifests(name: string): Promise<string> {
  const folder = join(repositoryRoot, 'deploy', name);
  await access(join(folder, 'kustomization.yaml')).catch(() => {
    throw new ClusterError('Config', `DEPLOY is ${name}, and deploy/${name} has no kustomization.yaml: choose another`);
  });
  return folder;
}
