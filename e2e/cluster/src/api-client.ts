import { Agent, request } from 'undici';
import type { KeyPair } from './certificates/authority.ts';
import { ClusterError } from './errors.ts';

/** Timeout of a request to the local API server. */
const REQUEST_TIMEOUT_MILLISECONDS = 10_000;

export interface ApiResponse {
  readonly status: number;
  /** The parsed body if it is JSON, else its text. */
  readonly body: unknown;
}

/** A client for the supervisor's own requests to the API server. All other code uses kubectl. */
export class ApiClient {
  readonly #agent: Agent;
  readonly server: string;

  constructor(server: string, authority: string, user: KeyPair) {
    this.server = server;
    this.#agent = new Agent({ connect: { ca: authority, cert: user.certificate, key: user.key } });
  }

  async send(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: unknown): Promise<ApiResponse> {
    const answer = await request(`${this.server}${path}`, {
      method,
      dispatcher: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS)]),
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    return { status: answer.statusCode, body: isJson ? JSON.parse(text) : text };
  }

  /** Creates an object unless it exists. */
  async create(path: string, object: unknown, signal: AbortSignal): Promise<void> {
    const { status, body } = await this.send('POST', path, signal, object);
    if (status === 409 || (status >= 200 && status < 300)) return;
    throw new ClusterError('Component', `the API server answered ${status} to POST ${path}: ${JSON.stringify(body)}`);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
