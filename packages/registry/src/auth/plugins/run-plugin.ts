import { execFile } from 'node:child_process';

export interface PluginCall {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment of the plugin. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly signal: AbortSignal;
}

/**
 * Timeout of a plugin. A cloud's token endpoint answers in less than a second. The kubelet waits a minute, but an
 * admission cannot wait that long.
 */
const TIMEOUT_MS = 10_000;
/** Maximum size of an output. A response contains a few credentials of some KB each. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * Runs a plugin until its process has ended. Returns its output, or undefined when the plugin failed in any way. Discards
 * the stderr of the plugin, which may contain secrets.
 */
export function runPlugin({ file, args, env, input, signal }: PluginCall): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      {
        env: { ...env },
        signal,
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
        encoding: 'utf8',
      },
      (error, stdout) => {
        const output = error === null ? stdout : undefined;
        // After an abort, this is called before the process has ended.
        const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
        if (isRunning)
          child.once('exit', () => {
            resolve(output);
          });
        else resolve(output);
      },
    );
    // A plugin may end before it has read all input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
