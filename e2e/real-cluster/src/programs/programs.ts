import { join } from 'node:path';
import type { ToolPaths } from '../../../cluster/src/component/component.ts';
import type { Config } from '../../../cluster/src/config.ts';
import { ClusterError } from '../../../cluster/src/errors.ts';
import { findNodePrograms } from './debian-programs.ts';
import { buildGoModule, cniPlugins, corednsProgram, imageProgram, kubernetesPrograms } from './go-programs.ts';
import { findHidden, findMissingPrerequisite } from './prerequisites.ts';

/**
 * Finds, unpacks or builds the programs of a real node.
 * @throws ClusterError `Toolchain` with one line if this machine cannot run a real node
 */
export async function ensureNodeTools(
  config: Config,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<ToolPaths> {
  const missing = await findMissingPrerequisite();
  if (missing !== undefined) throw new ClusterError('Toolchain', `a real node ${missing}: use another machine`);
  if (findHidden([config.clusterDirectory]) !== undefined) {
    throw new ClusterError(
      'Config',
      `CLUSTER_DIR is ${config.clusterDirectory}: a cluster with a real node has its own /run, /var/lib and /var/log, choose another directory`,
    );
  }
  const debian = await findNodePrograms(config, log, signal);
  const build = (module: Parameters<typeof buildGoModule>[0]): Promise<string> =>
    buildGoModule(module, config, log, signal);
  // One after the other, because each build uses all cores.
  const kubernetes = await build(kubernetesPrograms);
  const cni = await build(cniPlugins);
  const coredns = await build(corednsProgram);
  const images = await build(imageProgram('amd64'));
  return {
    ...debian,
    kubelet: join(kubernetes, 'kubelet'),
    'kube-proxy': join(kubernetes, 'kube-proxy'),
    'cni-plugins': cni,
    coredns: join(coredns, 'coredns'),
    'sandbox-program': join(images, 'app'),
  };
}
