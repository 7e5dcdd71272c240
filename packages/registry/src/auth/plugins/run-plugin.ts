import { execFile } from 'node:child_process';

export interface PluginCall {
  readonly file: string;
  readonly args: readonly string[];
  /** All that the plugin sees of an environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly signal: AbortSignal;
}

/** A cloud's token endpoint answers in well under a second; the kubelet waits a minute, but no pod waits for us that long. */
const TIMEOUT_MS = 10_000;
/** The answer holds some credentials of a few KB each. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/** Runs a plugin and returns what it printed; undefined when it failed in any way. Its stderr is thrown away: it may hold secrets. */
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
        resolve(error === null ? stdout : undefined);
      },
    );
    // A plugin may end before it has read everything.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
