import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnv } from '../../../cluster/src/env-file.ts';
import { ClusterError } from '../../../cluster/src/errors.ts';
import { kubectlOutput } from '../../../cluster/src/kubectl.ts';
import { repositoryRoot } from '../../../cluster/src/layout.ts';
import type { Layout } from '../../../cluster/src/layout.ts';
import { pushLayout } from '../../../cluster/src/push-layout.ts';
import { waitFor } from '../../../cluster/src/wait.ts';
import { applyManifests } from './apply.ts';

const NAMESPACE = 'archpolicy-system';
/** Tag of the image in the cluster's registry. */
const TAG = 'local';
/** The API server may not serve a new kind yet, although its CRD is Established. */
const POLICY_TIMEOUT_MILLISECONDS = 30_000;

/** Returns the OCI layout of `make image`. @throws ClusterError `Config` if it has not been built */
export async function findImage(): Promise<string> {
  const layout = join(repositoryRoot, 'dist', 'image');
  await access(join(layout, 'index.json')).catch(() => {
    throw new ClusterError('Config', `${layout} holds no image: run \`make image\``);
  });
  return layout;
}

/** Pushes an image of ArchPolicy, applies manifests and the default policy, and waits until all workloads are ready. */
export async function deploy(layout: Layout, image: string, manifests: string, signal: AbortSignal): Promise<void> {
  const { KUBECTL = '', REGISTRY = '', CLUSTER_REGISTRY: registry = '' } = await readEnv(layout.env);
  const kubectl = (args: readonly string[]): Promise<string> => kubectlOutput(KUBECTL, layout, args, { signal });
  await pushLayout(REGISTRY, 'archpolicy', TAG, image);
  await applyManifests({ folder: layout.run('deploy'), manifests, registry, tag: TAG }, kubectl);
  const policies = join(repositoryRoot, 'deploy', 'policies', 'default.yaml');
  await waitFor(() => kubectl(['apply', '-f', policies]), {
    what: 'the default policy to be applied',
    timeoutMs: POLICY_TIMEOUT_MILLISECONDS,
    signal,
  });
  await kubectl(['rollout', 'status', 'deployment', '-n', NAMESPACE, '--timeout=110s']);
}
