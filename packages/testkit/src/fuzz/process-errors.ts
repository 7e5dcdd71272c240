import { describeError } from './describe-error.ts';

/** Collects the errors that would end a process, and warnings of leaked listeners. */
export class ProcessErrors {
  readonly #errors: string[] = [];
  readonly #onError = (error: unknown): void => {
    this.#errors.push(`unhandled: ${describeError(error)}`);
  };
  readonly #onWarning = (warning: Error): void => {
    if (warning.name === 'MaxListenersExceededWarning') this.#errors.push(`leaked listeners: ${warning.message}`);
  };

  constructor() {
    process.on('uncaughtException', this.#onError);
    process.on('unhandledRejection', this.#onError);
    process.on('warning', this.#onWarning);
  }

  /** Returns the errors since the last call. */
  take(): readonly string[] {
    return this.#errors.splice(0);
  }

  stop(): void {
    process.off('uncaughtException', this.#onError);
    process.off('unhandledRejection', this.#onError);
    process.off('warning', this.#onWarning);
  }
}
