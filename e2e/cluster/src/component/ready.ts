import { connect } from 'node:net';
import { Agent, request } from 'undici';
import { waitFor } from '../wait.ts';

/**
 * Maximum wait. The slowest component, the API server, needs 4 s on two idle cores; this allows a busy machine 20 times
 * as long.
 */
const READY_TIMEOUT_MILLISECONDS = 90_000;
const PROBE_TIMEOUT_MILLISECONDS = 3_000;

export interface TlsClient {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Waits until the URL returns 200. */
export async function waitForHttpOk(url: string, signal: AbortSignal, tls?: TlsClient): Promise<void> {
  const agent = new Agent(tls === undefined ? {} : { connect: { ...tls } });
  try {
    await waitFor(
      async (waiting) => {
        const probe = AbortSignal.any([waiting, AbortSignal.timeout(PROBE_TIMEOUT_MILLISECONDS)]);
        const answer = await request(url, { dispatcher: agent, signal: probe });
        await answer.body.dump();
        if (answer.statusCode !== 200) throw new Error(`it returned ${answer.statusCode}`);
        return true;
      },
      { timeoutMs: READY_TIMEOUT_MILLISECONDS, what: `${url} to return 200`, signal },
    );
  } finally {
    await agent.destroy();
  }
}

/** Waits until the server on the port responds to `question` with a text that begins with `answer`. */
export async function waitForTcpResponse(
  port: number,
  question: string,
  answer: string,
  signal: AbortSignal,
): Promise<void> {
  await waitFor(() => probeTcp(port, question, answer), {
    timeoutMs: READY_TIMEOUT_MILLISECONDS,
    what: `127.0.0.1:${port} to answer`,
    signal,
  });
}

function probeTcp(port: number, question: string, answer: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port, timeout: PROBE_TIMEOUT_MILLISECONDS });
  const end = (result: boolean): void => {
    socket.destroy();
    resolve(result);
  };
  socket.once('connect', () => socket.write(question));
  socket.once('data', (data) => {
    end(data.toString('latin1').startsWith(answer));
  });
  for (const event of ['error', 'timeout', 'close']) {
    socket.once(event, () => {
      end(false);
    });
  }
  return promise;
}
