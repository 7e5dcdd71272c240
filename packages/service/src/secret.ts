import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A value that must not be shown. Printing it, logging it, putting it into a template or into JSON gives `[redacted]`;
 * only `reveal` returns the value, so that each use is easy to find.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value itself, for the one call that needs the value. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
