/** An unexpected failure. `code`: for programs; `cause`: the underlying error. Each package has one subclass. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Returns the string `code` of a thrown value: a CodedError's, the operating system's (`ENOENT`) or Node's (`ERR_…`). Checks
 * the shape, not the class, because a test runner's realm has its own `Error`.
 */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
