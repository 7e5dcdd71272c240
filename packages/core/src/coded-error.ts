/** An unexpected failure. Programs read `code`. `cause` is the underlying error. Each package has one subclass. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Returns the string `code` of a thrown value: of a CodedError, of an error of the operating system (`ENOENT`) or of
 * Node.js (`ERR_…`). Checks the field and does not use `instanceof`, because the realm of a test runner has its own
 * `Error`.
 */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
