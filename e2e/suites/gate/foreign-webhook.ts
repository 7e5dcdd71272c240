import type { JsonObject } from '@archpolicy/core';
import { createCertificateAuthority } from '@archpolicy/testkit';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Returns a JSON Patch for a pod. */
export type Mutation = (pod: JsonObject) => readonly JsonObject[];

/** A mutating webhook of another vendor, called after ours. */
export class ForeignWebhook {
  readonly #server: Server;
  readonly #authority: string;

  private constructor(server: Server, authority: string) {
    this.#server = server;
    this.#authority = authority;
  }

  static async start(mutate: Mutation): Promise<ForeignWebhook> {
    const authority = await createCertificateAuthority('foreign webhook');
    const { certificate, key } = await authority.issue();
    const server = createServer({ cert: certificate, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
        const patch = Buffer.from(JSON.stringify(mutate(review.request.object))).toString('base64');
        const answer = { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ForeignWebhook(server, authority.certificate);
  }

  /**
   * Returns a configuration with which the API server calls this webhook for one namespace. The API server calls
   * webhooks in the order of their names.
   */
  configuration(namespace: string, operation: 'CREATE' | 'UPDATE'): JsonObject {
    const { port } = this.#server.address() as AddressInfo;
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: [operation], resources: ['pods'] };
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: `foreign-${namespace}` },
      webhooks: [
        {
          name: 'foreign.example.com',
          admissionReviewVersions: ['v1'],
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(this.#authority).toString('base64'),
          },
          rules: [rule],
          failurePolicy: 'Fail',
          sideEffects: 'None',
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        },
      ],
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Review {
  readonly request: { readonly uid: string; readonly object: JsonObject };
}
