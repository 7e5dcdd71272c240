/** The cause of a failure. The command exits with status 2 for `Config` and 1 for other codes. */
export type ClusterErrorCode =
  'Config' | 'Toolchain' | 'Directory' | 'Component' | 'Supervisor' | 'Request' | 'Timeout' | 'Cancelled';

/**
 * An error for users. Its first line is a clear sentence that they can act on. Further lines are evidence, such as the
 * end of a log.
 */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
    this.code = code;
  }
}

/**
 * Returns the message of a thrown value. Does not use `instanceof`, because a test runner's realm has its own `Error`.
 */
export function errorMessage(error: unknown): string {
  const { message } = errorFields(error);
  return typeof message === 'string' ? message : String(error);
}

/** Whether an error of the file system or of a child process has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return errorFields(error).code === code;
}

function errorFields(error: unknown): { readonly message?: unknown; readonly code?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}
