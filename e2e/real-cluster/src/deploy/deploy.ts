import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../../cluster/src/config.ts';
import { readEnv } from '../../../cluster/src/env-file.ts';
import { ClusterError } from '../../../cluster/src/errors.ts';
import { kubectlOutput } from '../../../cluster/src/kubectl.ts';
import { repositoryRoot } from '../../../cluster/src/layout.ts';
import type { Layout } from '../../../cluster/src/layout.ts';
import { pushLayout } from '../../../cluster/src/push-layout.ts';
import { findOnPath } from '../../../cluster/src/toolchain/find-on-path.ts';
import { waitFor } from '../../../cluster/src/wait.ts';
import { pushRedis } from '../images/redis-image.ts';
import { applyManifests } from './apply.ts';

const NAMESPACE = 'archpolicy-system';
/** Tag of the image in the cluster's registry. */
const TAG = 'local';
/** The API server may not serve a new kind yet, although its CRD is Established. */
const POLICY_TIMEOUT_MILLISECONDS = 30_000;
/** Long enough for a loaded machine. An idle one needs 10 to 20 s. */
const READY_TIMEOUT_MILLISECONDS = 180_000;

/** Returns the OCI layout of `make image`. @throws ClusterError `Config` if it has not been built */
export async function findImage(): Promise<string> {
  const layout = join(repositoryRoot, 'dist', 'image');
  await access(join(layout, 'index.json')).catch(() => {
    throw new ClusterError('Config', `${layout} holds no image: run \`make image\``);
  });
  return layout;
}

export interface DeployOptions {
  readonly layout: Layout;
  /** An OCI layout with the image of ArchPolicy. */
  readonly image: string;
  readonly manifests: string;
  readonly signal: AbortSignal;
}

/** Pushes the images, applies manifests and the default policy, and waits until all workloads are ready. */
export async function deploy({ layout, image, manifests, signal }: DeployOptions): Promise<void> {
  const { KUBECTL = '', REGISTRY = '', CLUSTER_REGISTRY: registry = '' } = await readEnv(layout.env);
  const kubectl = (args: readonly string[]): Promise<string> => kubectlOutput(KUBECTL, layout, args, { signal });
  await pushLayout(REGISTRY, 'archpolicy', TAG, image);
  const redis = await findOnPath('redis-server', readConfig().environment['PATH']);
  if (redis !== undefined) await pushRedis(REGISTRY, 'redis', TAG, redis);
  await applyManifests({ folder: layout.run('deploy'), manifests, registry, tag: TAG }, kubectl);
  const policies = join(repositoryRoot, 'deploy', 'policies', 'default.yaml');
  await waitFor(() => kubectl(['apply', '-f', policies]), {
    what: 'the default policy to be applied',
    timeoutMs: POLICY_TIMEOUT_MILLISECONDS,
    signal,
  });
  await waitFor(() => kubectl(['rollout', 'status', 'deployment', '-n', NAMESPACE, '--timeout=110s']), {
    what: 'all workloads to be ready',
    timeoutMs: READY_TIMEOUT_MILLISECONDS,
    signal,
  });
}
