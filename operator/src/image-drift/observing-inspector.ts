import type { Inspection } from '@archpolicy/core';
import type { Inspector, InspectRequest } from '@archpolicy/registry';

/**
 * Receives the result of each inspection, and the namespace of the pull secrets that were used: the result may be shown
 * there. Undefined: without pull secrets, it may be shown everywhere.
 */
export type OnInspected = (image: string, inspection: Inspection, namespace: string | undefined) => void;

/** For pull secrets whose namespace is not known. No namespace has this name. */
const UNKNOWN_NAMESPACE = '';

/** An inspector whose results are observed: a drift is detected whichever part of the operator inspects the image. */
export class ObservingInspector implements Pick<Inspector, 'inspect'> {
  readonly #inspector: Pick<Inspector, 'inspect'>;
  readonly #onInspected: OnInspected;

  constructor(inspector: Pick<Inspector, 'inspect'>, onInspected: OnInspected) {
    this.#inspector = inspector;
    this.#onInspected = onInspected;
  }

  async inspect(request: InspectRequest): Promise<Inspection> {
    const inspection = await this.#inspector.inspect(request);
    this.#onInspected(request.reference, inspection, namespaceOf(request));
    return inspection;
  }
}

/** A pod's pull secrets are all of its own namespace. */
function namespaceOf({ pullSecrets = [] }: InspectRequest): string | undefined {
  const [secret] = pullSecrets;
  if (secret === undefined) return undefined;
  return 'namespace' in secret && typeof secret.namespace === 'string' ? secret.namespace : UNKNOWN_NAMESPACE;
}
