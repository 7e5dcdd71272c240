import type { Json, JsonObject } from '@archpolicy/core';
import type { Clock } from '@archpolicy/service';
import { runWebhook } from '../app.ts';
import { body, review } from './reviews.ts';
import { TlsClient, handshake } from './tls-client.ts';

/** What a webhook stands on: the testkit's world is one. */
export interface Ground {
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly opsPort: number;
  readonly authority: { readonly certificate: string };
}

/** An answer to a review, the patch decoded. */
export interface ReviewResponse {
  readonly allowed: boolean;
  readonly patch: readonly JsonObject[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** A whole webhook in this process, asked over TLS as the API server asks it. */
export class RunningWebhook {
  readonly #ground: Ground;
  readonly #client: TlsClient;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failure: Error | undefined;

  private constructor(ground: Ground, env: Readonly<Record<string, string>>, clock: Clock) {
    this.#ground = ground;
    this.#client = new TlsClient(ground.port, ground.authority.certificate);
    this.#running = runWebhook({ env: { ...ground.env, ...env }, signal: this.#stop.signal, clock });
    this.#running.catch((error: unknown) => {
      this.#failure = error as Error;
    });
  }

  /** One that is ready to answer. */
  static async start(ground: Ground, env: Readonly<Record<string, string>>, clock: Clock): Promise<RunningWebhook> {
    const webhook = new RunningWebhook(ground, env, clock);
    await webhook.until(async () => (await webhook.get('/readyz')).status === 200);
    return webhook;
  }

  /** Waits until it holds, unless the webhook fails first. */
  async until(holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Asks the port of metrics and health. */
  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#ground.opsPort}${path}`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  /** The serial number of the certificate that a new connection is served with. */
  handshake(): Promise<string> {
    return handshake(this.#ground.port, this.#ground.authority.certificate);
  }

  async ask(object: Json, request: JsonObject = {}): Promise<ReviewResponse> {
    const answer = await this.#client.send({ body: body(review(object, request)) });
    if (answer.status !== 200) throw new Error(`the webhook answered ${answer.status}`);
    const { response } = JSON.parse(answer.body) as { response: Partial<Omit<ReviewResponse, 'patch'>> & Patch };
    const patch = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString()) as JsonObject[];
    return { allowed: false, warnings: [], auditAnnotations: {}, ...response, patch };
  }

  async stop(): Promise<void> {
    this.#client.close();
    this.#stop.abort();
    await this.#running.catch(() => undefined);
  }
}

interface Patch {
  readonly patch?: string;
}

/** The architectures that a response constrains the pod to; undefined when it does not. */
export function architecturesOf({ patch }: ReviewResponse): Json | undefined {
  const text = JSON.stringify(patch);
  const [, values] = /"key":"kubernetes\.io\/arch","operator":"In","values":(\[[^\]]*\])/.exec(text) ?? [];
  return values === undefined ? undefined : (JSON.parse(values) as Json);
}
