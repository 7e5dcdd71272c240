import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { CleanUp } from './clean-up.ts';

export const PLATFORMS = ['linux/amd64', 'linux/arm64'];

/** A registry with as many different images as a scenario asks for. */
export class Images {
  readonly registry: FakeRegistry;
  #pushed = 0;

  private constructor(registry: FakeRegistry) {
    this.registry = registry;
  }

  static async start(cleanUp: CleanUp): Promise<Images> {
    const registry = await new FakeRegistry().start();
    cleanUp(() => registry.stop());
    return new Images(registry);
  }

  /** Pushes new images for amd64 and arm64. Returns their references. */
  push(count: number): readonly string[] {
    return Array.from({ length: count }, () => {
      this.#pushed += 1;
      const tag = `v${this.#pushed}`;
      this.registry.push('app', tag, multiPlatformImage(PLATFORMS, tag));
      return `${this.registry.host}/app:${tag}`;
    });
  }

  /** Returns how often each image was requested, most first. */
  requestsOf(references: readonly string[]): readonly number[] {
    return references
      .map((reference) => {
        const tag = reference.slice(reference.lastIndexOf(':') + 1);
        return this.registry.requests.filter(({ path }) => path.endsWith(`/${tag}`)).length;
      })
      .sort((one, other) => other - one);
  }
}
