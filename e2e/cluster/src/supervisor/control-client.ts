import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { ClusterError, hasCode } from '../errors.ts';
import type { Layout } from '../layout.ts';
import { controlSchema, startEventSchema, statusSchema } from './protocol.ts';
import type { ClusterStatus, Control, StartEvent, StartRequest } from './protocol.ts';

const ANSWER_TIMEOUT_MILLISECONDS = 5_000;

/** Client of a cluster's supervisor. */
export class ControlClient {
  readonly #control: Control;
  readonly #agent = new Agent({ connections: 2, bodyTimeout: 0, headersTimeout: ANSWER_TIMEOUT_MILLISECONDS });

  constructor(control: Control) {
    this.#control = control;
  }

  /** Returns a client if the cluster's supervisor responds, else undefined. */
  static async connect(layout: Layout): Promise<ControlClient | undefined> {
    const control = await readControl(layout);
    if (control === undefined) return undefined;
    const client = new ControlClient(control);
    return (await client.status().catch(() => undefined)) === undefined ? undefined : client;
  }

  async status(): Promise<ClusterStatus> {
    const { body } = await this.#send('GET', '/status', AbortSignal.timeout(ANSWER_TIMEOUT_MILLISECONDS));
    return statusSchema.parse(await body.json());
  }

  /**
   * Starts missing components and calls `onEvent` for each event, until the signal aborts.
   * @throws ClusterError `Component` if one does not start
   */
  async start(startRequest: StartRequest, signal: AbortSignal, onEvent: (event: StartEvent) => void): Promise<void> {
    let last: StartEvent | undefined;
    try {
      const { body } = await this.#send('POST', '/start', signal, startRequest);
      for await (const line of createInterface({ input: body as Readable })) {
        last = startEventSchema.parse(JSON.parse(line));
        onEvent(last);
      }
    } catch (error) {
      if (signal.aborted) throw new ClusterError('Cancelled', 'cancelled');
      throw new ClusterError('Supervisor', 'the supervisor ended during the start', { cause: error });
    }
    if (last?.kind === 'failed') throw new ClusterError('Component', last.message);
    if (last?.kind !== 'ready') throw new ClusterError('Supervisor', 'the supervisor ended during the start');
  }

  /** Lets the cluster outlive the process that started it. */
  async release(): Promise<void> {
    const { body } = await this.#send('POST', '/release', AbortSignal.timeout(ANSWER_TIMEOUT_MILLISECONDS));
    await body.dump();
  }

  /** Requests the stop of the cluster. The supervisor ends after it has stopped its components. */
  async stop(): Promise<void> {
    const { body } = await this.#send('POST', '/stop', AbortSignal.timeout(ANSWER_TIMEOUT_MILLISECONDS));
    await body.dump();
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<Dispatcher.ResponseData> {
    const answer = await request(`http://127.0.0.1:${this.#control.port}${path}`, {
      method,
      signal,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#control.token}` },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (answer.statusCode < 300) return answer;
    await answer.body.dump();
    throw new ClusterError('Supervisor', `the supervisor answered ${answer.statusCode} to ${method} ${path}`);
  }
}

async function readControl(layout: Layout): Promise<Control | undefined> {
  try {
    return controlSchema.parse(JSON.parse(await readFile(layout.control, 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
