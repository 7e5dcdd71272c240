import { parsePlatform } from '@archpolicy/core';
import type { Inspection, UnresolvedReason } from '@archpolicy/core';
import type { InspectRequest } from '@archpolicy/registry';

/** Answers as a test says, when the test says it. */
export class ScriptedInspector {
  readonly requests: InspectRequest[] = [];
  readonly #answers = new Map<string, Inspection>();
  readonly #waiting = new Map<string, ((inspection: Inspection) => void)[]>();

  inspect(request: InspectRequest): Promise<Inspection> {
    this.requests.push(request);
    const answer = this.#answers.get(request.reference);
    if (answer !== undefined) return Promise.resolve(answer);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(request.reference) ?? [];
      this.#waiting.set(request.reference, [...waiting, resolve]);
      request.signal?.addEventListener('abort', () => {
        resolve({ kind: 'unresolved', reason: 'Deadline' });
      });
    });
  }

  /** From now on this is the answer, also to those who wait. */
  answer(image: string, inspection: Inspection): void {
    this.#answers.set(image, inspection);
    for (const tell of this.#waiting.get(image) ?? []) tell(inspection);
    this.#waiting.delete(image);
  }

  /** How often an image was asked for. */
  asked(image: string): number {
    return this.requests.filter(({ reference }) => reference === image).length;
  }
}

export function runsOn(...platforms: readonly string[]): Inspection {
  const parsed = platforms.map((text) => {
    const platform = parsePlatform(text);
    if (platform.kind !== 'platform') throw new Error(`no platform: ${text}`);
    return platform.platform;
  });
  const digest = `sha256:${'a'.repeat(64)}`;
  return { kind: 'resolved', facts: { digest, platforms: parsed, neutral: false }, source: 'registry', ageMs: 0 };
}

export function unresolved(reason: UnresolvedReason, retryAtMs?: number): Inspection {
  return { kind: 'unresolved', reason, ...(retryAtMs !== undefined && { retryAtMs }) };
}
