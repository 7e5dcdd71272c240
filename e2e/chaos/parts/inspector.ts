import { once } from 'node:events';
import { freePort } from '@archpolicy/testkit';
import { waitFor } from '@archpolicy/e2e';

const TIMEOUT_MS = 10_000;

/**
 * Node's inspector of an unmodified process, over which a scenario runs code in the process. The process is started
 * with the environment of {@link inspectable}.
 * @see https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-evaluate
 */
export interface Inspectable {
  /** Environment variables of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts an expression in the process. Does not wait for its end, because it may block the process. */
  readonly start: (expression: string) => Promise<void>;
  /** Runs an expression in the process. @throws Error if the expression throws */
  readonly run: (expression: string) => Promise<void>;
}

export async function inspectable(): Promise<Inspectable> {
  const port = await freePort();
  const start = async (expression: string): Promise<WebSocket> => {
    const socket = new WebSocket(await debuggerUrl(port));
    await once(socket, 'open', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const params = { expression, awaitPromise: true, includeCommandLineAPI: true };
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
    return socket;
  };
  return {
    env: { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` },
    start: async (expression) => {
      // A process with an open inspector session would wait at its exit for the session's end.
      (await start(expression)).close();
    },
    run: async (expression) => {
      const socket = await start(expression);
      const [event] = (await once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) })) as [MessageEvent];
      socket.close();
      const { result } = JSON.parse(String(event.data)) as { readonly result: { readonly exceptionDetails?: object } };
      if (result.exceptionDetails !== undefined) throw new Error(JSON.stringify(result.exceptionDetails));
    },
  };
}

/** The inspector lists its targets at `/json/list`: `[{"webSocketDebuggerUrl": "ws://127.0.0.1:9229/…"}]`. */
async function debuggerUrl(port: number): Promise<string> {
  const list = async (): Promise<string | undefined> => {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly {
      readonly webSocketDebuggerUrl: string;
    }[];
    return targets[0]?.webSocketDebuggerUrl;
  };
  return waitFor(list, { timeoutMs: TIMEOUT_MS, what: 'the inspector' });
}
