import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { readConfig } from './config.ts';
import { ClusterError } from './errors.ts';
import { ensureTools } from './toolchain/tools.ts';

/** Timeout of `kubectl kustomize`, which reads only local files. */
const TIMEOUT_MILLISECONDS = 60_000;

/**
 * Returns the output of `kubectl kustomize` for a folder. Needs no cluster.
 * @throws ClusterError `Request` with the message of kustomize
 */
export async function renderKustomization(folder: string): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  const { paths } = await ensureTools(['kubectl'], readConfig(), () => undefined, new AbortController().signal);
  const child = spawn(paths.kubectl ?? 'kubectl', ['kustomize', folder], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (status === 0) return stdout;
  throw new ClusterError('Request', `kubectl kustomize ${folder} failed: ${stderr.trim()}`);
}
