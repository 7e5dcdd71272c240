import type { PullSecretView } from '@archpolicy/cluster-view';
import type { PullSecret } from '@archpolicy/registry';
import { OperatorError } from './errors.ts';

/** The contents of pull secrets, for those who can wait: they ask again when the API server did not say. */
export class PullSecretReader {
  readonly #view: Pick<PullSecretView, 'read'>;

  constructor(view: Pick<PullSecretView, 'read'>) {
    this.#view = view;
  }

  /**
   * The contents in the order of the names; a Secret that does not exist, may not be read or is no pull secret is left out.
   * @throws OperatorError PullSecretsUnread when the API server did not say of each what is in it: what a registry refuses
   * to those that are left would be taken for its last word
   */
  async read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<readonly PullSecret[]> {
    const { secrets, complete } = await this.#view.read(namespace, names, signal);
    if (!complete) throw new OperatorError('PullSecretsUnread', 'the API server does not say what is in pull secrets');
    return secrets;
  }
}
