import type { Inspection } from '@archpolicy/core';
import type { Inspector, InspectRequest } from '@archpolicy/registry';
import type { Contents } from './contents.ts';

/** An inspector whose answers are seen: whoever asks, a change of what is behind a tag is noticed. */
export class SeenInspector implements Pick<Inspector, 'inspect'> {
  readonly #inspector: Pick<Inspector, 'inspect'>;
  readonly #contents: Pick<Contents, 'see'>;

  constructor(inspector: Pick<Inspector, 'inspect'>, contents: Pick<Contents, 'see'>) {
    this.#inspector = inspector;
    this.#contents = contents;
  }

  async inspect(request: InspectRequest): Promise<Inspection> {
    const inspection = await this.#inspector.inspect(request);
    this.#contents.see(request.reference, inspection);
    return inspection;
  }
}
