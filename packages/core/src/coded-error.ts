/** An unexpected failure: `code` identifies it for programs, `cause` is what led to it. Each package has one subclass. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The text `code` of a thrown value: one of ours, of the operating system (`ENOENT`) or of Node (`ERR_…`). Undefined where it
 * has none. By its shape, not its class: a test runner's realm has an `Error` of its own.
 */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
