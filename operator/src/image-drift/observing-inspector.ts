import type { Inspection } from '@archpolicy/core';
import type { Inspector, InspectRequest } from '@archpolicy/registry';

/**
 * Receives the result of each inspection and the namespace of its pull secrets: only that namespace may see the result.
 * Undefined: no pull secrets, all namespaces may see it.
 */
export type OnInspected = (image: string, inspection: Inspection, namespace: string | undefined) => void;

/** For pull secrets of an unknown namespace. No namespace has this name. */
const UNKNOWN_NAMESPACE = '';

/** Reports the results of an inspector, so that a drift is detected in the inspections of all parts of the operator. */
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

/** Returns the namespace of the first pull secret: all pull secrets of a pod are in the pod's namespace. */
function getNamespace({ pullSecrets = [] }: InspectRequest): string | undefined {
  const [secret] = pullSecrets;
  if (secret === undefined) return undefined;
  return 'namespace' in secret && typeof secret.namespace === 'string' ? secret.namespace : UNKNOWN_NAMESPACE;
}
