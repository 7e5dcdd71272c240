import type { Inspection } from '@archpolicy/core';
import type { Inspector, InspectRequest } from '@archpolicy/registry';

/**
 * Told what an inspection of an image said, and to the pods of which namespace: those of the pull secrets that were used;
 * to everybody when there were none.
 */
export type OnSeen = (image: string, inspection: Inspection, namespace: string | undefined) => void;

/** Pull secrets of nobody knows whom. No namespace has this name. */
const NOBODY = '';

/** An inspector whose answers are seen: whoever asks, a change of what is behind a tag is noticed. */
export class SeenInspector implements Pick<Inspector, 'inspect'> {
  readonly #inspector: Pick<Inspector, 'inspect'>;
  readonly #onSeen: OnSeen;

  constructor(inspector: Pick<Inspector, 'inspect'>, onSeen: OnSeen) {
    this.#inspector = inspector;
    this.#onSeen = onSeen;
  }

  async inspect(request: InspectRequest): Promise<Inspection> {
    const inspection = await this.#inspector.inspect(request);
    this.#onSeen(request.reference, inspection, namespaceOf(request));
    return inspection;
  }
}

/** A pod's pull secrets are all of its own namespace. */
function namespaceOf({ pullSecrets = [] }: InspectRequest): string | undefined {
  const [secret] = pullSecrets;
  if (secret === undefined) return undefined;
  return 'namespace' in secret && typeof secret.namespace === 'string' ? secret.namespace : NOBODY;
}
