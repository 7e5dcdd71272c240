import type { Clock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { multiPlatformImage } from '@archpolicy/testkit';
import type { ApiFault, World } from '@archpolicy/testkit';
import type { FuzzedProcess } from '@archpolicy/testkit/process-fuzz';
import { runWebhook } from '../src/app.ts';
import { body, container, pod, review } from '../src/fixtures/reviews.ts';
import { TlsClient } from '../src/fixtures/tls-client.ts';

/** A complete webhook. Its reviews make it read namespaces, Secrets and Jobs. */
export class FuzzedWebhook implements FuzzedProcess {
  readonly #world: World;
  readonly #client: TlsClient;
  #reviews = 0;

  constructor(world: World) {
    this.#world = world;
    this.#client = new TlsClient(world.port, world.authority.certificate);
    world.registry.push('web', 'v1', multiPlatformImage(['linux/arm64'], 'web'));
  }

  run(clock: Clock, signal: AbortSignal): Promise<void> {
    return runWebhook({ env: this.#world.env, clock, signal });
  }

  answer(): ApiFault | undefined {
    return undefined;
  }

  /** Sends a review with a Secret and a Job of its own. The API server must get a positive response in any case. */
  async work(): Promise<string | undefined> {
    this.#reviews += 1;
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: `job-${this.#reviews}`, uid: 'job', controller: true };
    const spec = { imagePullSecrets: [{ name: `secret-${this.#reviews}` }], containers: [this.#container()] };
    const { status, text } = await this.#review(pod(spec, { ownerReferences: [owner] }));
    return status === 200 && text.includes('"allowed":true') ? undefined : `response ${status} to a review: ${text}`;
  }

  /** Sends a review, which must be constrained to the architecture of the image. */
  async works(): Promise<boolean> {
    try {
      const { text } = await this.#review(pod({ containers: [this.#container()] }));
      const { response } = JSON.parse(text) as { readonly response: { readonly patch?: string } };
      return Buffer.from(response.patch ?? '', 'base64')
        .toString()
        .includes('"values":["arm64"]');
    } catch {
      return false; // The webhook does not listen yet.
    }
  }

  mayEnd(): boolean {
    return false;
  }

  close(): void {
    this.#client.close();
  }

  #container(): JsonObject {
    return container(`${this.#world.registry.host}/web:v1`);
  }

  async #review(object: JsonObject): Promise<{ readonly status: number; readonly text: string }> {
    const { status, body: text } = await this.#client.send({ body: body(review(object)) });
    return { status, text };
  }
}
