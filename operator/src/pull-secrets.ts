import type { PullSecretView } from '@archpolicy/cluster-view';
import type { PullSecret } from '@archpolicy/registry';
import { OperatorError } from './errors.ts';

/** Reads the contents of pull secrets for controllers, which retry a failed read. */
export class PullSecretReader {
  readonly #view: Pick<PullSecretView, 'read'>;

  constructor(view: Pick<PullSecretView, 'read'>) {
    this.#view = view;
  }

  /**
   * Returns the contents in the order of the names. Omits Secrets that do not exist, are forbidden or are no pull
   * secrets.
   * @throws OperatorError PullSecretsUnread if a read failed, because a registry's rejection is not final if a
   * credential is missing
   */
  async read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<readonly PullSecret[]> {
    const { secrets, complete } = await this.#view.read(namespace, names, signal);
    if (!complete)
      throw new OperatorError(
        'PullSecretsUnread',
        `failed to read pull secrets of namespace ${namespace}, retrying later`,
      );
    return secrets;
  }
}
