import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { ClusterError } from './errors.ts';
import type { Layout } from './layout.ts';

/** Timeout of a kubectl call. Our calls take less time, including their waits. */
const TIMEOUT_MILLISECONDS = 120_000;

export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status. It is 1 if kubectl was killed or did not start; stderr then contains the reason. */
  readonly status: number;
}

/** Runs kubectl with cluster-admin rights and a HOME in the cluster's directory. */
export async function runKubectl(
  kubectl: string,
  layout: Layout,
  args: readonly string[],
  options: { readonly stdin?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<KubectlResult> {
  const deadline = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  const child = spawn(kubectl, args, {
    env: { KUBECONFIG: layout.kubeconfig, HOME: layout.home, PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    signal: options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]),
  });
  const { promise, resolve } = Promise.withResolvers<{ readonly status: number; readonly problem: string }>();
  child.once('error', (error) => {
    resolve({ status: 1, problem: error.message });
  });
  child.once('close', (code) => {
    resolve({ status: code ?? 1, problem: '' });
  });
  // Ignore EPIPE: kubectl may exit without reading its input, and then its exit status reports the failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), promise]);
  return { stdout, stderr: `${stderr}${end.problem}`, status: end.status };
}

/** Runs kubectl and returns its output. @throws ClusterError `Request` with its stderr, unless it succeeds */
export async function kubectlOutput(...call: Parameters<typeof runKubectl>): Promise<string> {
  const { status, stderr, stdout } = await runKubectl(...call);
  if (status === 0) return stdout;
  throw new ClusterError('Request', `kubectl ${call[2].join(' ')} failed: ${stderr.trim()}`);
}
