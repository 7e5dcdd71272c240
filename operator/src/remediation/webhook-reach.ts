import type { Webhook } from './ports.ts';

/** Namespaces that the installed webhook configuration leaves out besides ours (deploy/base/webhook-configuration). */
const NEVER_CALLED = ['kube-system'];

/** R3, as far as the webhook's Lease tells. */
export class WebhookReach implements Webhook {
  readonly #lease: { isFresh(): boolean };
  readonly #excluded: ReadonlySet<string>;

  /** @param namespace where ArchPolicy itself runs */
  constructor(lease: { isFresh(): boolean }, namespace: string) {
    this.#lease = lease;
    this.#excluded = new Set([...NEVER_CALLED, namespace]);
  }

  isReachable(): boolean {
    return this.#lease.isFresh();
  }

  isCalledFor(namespace: string): boolean {
    return !this.#excluded.has(namespace);
  }
}
