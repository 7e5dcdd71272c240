import type { Inspection } from '@archpolicy/core';
import type { Inspector, InspectRequest } from '@archpolicy/registry';

/**
 * Receives the result of each inspection, with the namespace of the pull secrets that were used. Only that namespace
 * may see the result. Without pull secrets the namespace is undefined, and all namespaces may see the result.
 */
export type OnInspected = (image: string, inspection: Inspection, namespace: string | undefined) => void;

/** The value for pull secrets whose namespace is unknown. No namespace has this name. */
const UNKNOWN_NAMESPACE = '';

/**
 * Wraps an inspector and reports its results, so that a drift is detected by the inspections of all parts of the
 * operator.
 */
export class ObservingInspector implements Pick<Inspector, 'inspect'> {
  readonly #inspector: Pick<Inspector, 'inspect'>;
  readonly #onInspected: OnInspected;

  constructor(inspector: Pick<Inspector, 'inspect'>, onInspected: OnInspected) {
    this.#inspector = inspector;
    this.#onInspected = onInspected;
  }

  async inspect(request: InspectRequest): Promise<Inspection> {
    const inspection = await this.#inspector.inspect(request);
    this.#onInspected(request.reference, inspection, getNamespace(request));
    return inspection;
  }
}

/**
 * Returns the namespace of the first pull secret. The others have the same namespace, because all pull secrets of a pod
 * are in the pod's namespace.
 */
function getNamespace({ pullSecrets = [] }: InspectRequest): string | undefined {
  const [secret] = pullSecrets;
  if (secret === undefined) return undefined;
  return 'namespace' in secret && typeof secret.namespace === 'string' ? secret.namespace : UNKNOWN_NAMESPACE;
}
