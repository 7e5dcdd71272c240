import type { Logger } from '@archpolicy/service';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Logs the failures of a task that runs again and again: the first failure, each different failure, and the end of the
 * failures. A line for every attempt would fill the log for as long as the cause lasts.
 */
export class RepeatedFailureLog {
  readonly #logger: Pick<Logger, 'warn' | 'info'>;
  #current: string | undefined;

  constructor(logger: Pick<Logger, 'warn' | 'info'>) {
    this.#logger = logger;
  }

  /** @param kind equal for failures that are logged once. It must contain nothing that differs between two attempts. */
  failed(kind: string, fields: Fields, message: string): void {
    if (kind === this.#current) return;
    this.#current = kind;
    this.#logger.warn(fields, message);
  }

  /** Must be called after each success. Logs the message if the previous attempt failed. */
  succeeded(message: string, fields: Fields = {}): void {
    if (this.#current === undefined) return;
    this.#current = undefined;
    this.#logger.info(fields, message);
  }
}

/** Returns the kind of an error: its name, and its code or message. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error ? String(error.code) : error.message;
  return `${error.name} ${code}`;
}
