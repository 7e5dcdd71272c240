/**
 * What can go wrong between us and the API server, beyond the answers that it gives.
 *
 * - `aborted`: the caller's signal ended the call
 * - `timeout`: the call's deadline passed; whether the server acted is unknown
 * - `silent`: a watch brought nothing, not even a bookmark, for longer than it may
 * - `network`: no connection, or it broke
 * - `too-large`: a body or a line exceeded its bound
 * - `malformed`: not the JSON that was expected
 * - `refused`: an answer with an error status where the caller had no use for one
 * - `bad-config`: the kubeconfig cannot be used
 */
export type KubeErrorCode =
  'aborted' | 'timeout' | 'silent' | 'network' | 'too-large' | 'malformed' | 'refused' | 'bad-config';

/** The one error class of this package: `code` tells what happened, `cause` why. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly status?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = options.status;
  }
}

/** The error of a caller that no longer wants the answer. */
export function abortedError(signal: AbortSignal): KubeError {
  return new KubeError('aborted', 'the call was aborted', { cause: signal.reason });
}

/** Any thrown value as a KubeError; what is not one already came from the network. */
export function toKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError('network', 'the connection to the API server failed', { cause: error });
}
