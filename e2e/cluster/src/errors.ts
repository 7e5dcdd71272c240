/** What kind of thing went wrong; `Config` ends the command with status 2, everything else with 1. */
export type ClusterErrorCode =
  'Config' | 'Toolchain' | 'Directory' | 'Component' | 'Supervisor' | 'Request' | 'Timeout' | 'Cancelled';

/** Something the reader can act on: the message is one clear sentence, further lines are evidence (a log's tail). */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
    this.code = code;
  }
}

/** The message of anything thrown. By its shape: a test runner's realm has an `Error` of its own. */
export function errorMessage(error: unknown): string {
  const { message } = errorFields(error);
  return typeof message === 'string' ? message : String(error);
}

/** Whether an error of the file system or of a child process carries this code. */
export function hasCode(error: unknown, code: string): boolean {
  return errorFields(error).code === code;
}

function errorFields(error: unknown): { readonly message?: unknown; readonly code?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}
