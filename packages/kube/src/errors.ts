import { CodedError } from '@archpolicy/core';

/**
 * What can go wrong between us and the API server, beyond the answers that it gives.
 *
 * - `Aborted`: the caller's signal ended the call
 * - `Timeout`: the call's deadline passed; whether the server acted is unknown
 * - `IdleTimeout`: a watch brought nothing, not even a bookmark, for longer than it may
 * - `Network`: no connection, or it broke
 * - `TooLarge`: a body or a line exceeded its bound
 * - `Malformed`: not the JSON that was expected
 * - `Refused`: an answer with an error status where the caller had no use for one
 * - `BadConfig`: the kubeconfig cannot be used
 */
export type KubeErrorCode =
  'Aborted' | 'Timeout' | 'IdleTimeout' | 'Network' | 'TooLarge' | 'Malformed' | 'Refused' | 'BadConfig';

/** The one error class of this package: `code` tells what happened, `cause` why. */
export class KubeError extends CodedError<KubeErrorCode> {
  override readonly name = 'KubeError';
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly status?: number } = {},
  ) {
    super(code, message, 'cause' in options ? { cause: options.cause } : undefined);
    this.status = options.status;
  }
}

/** The error of a caller that no longer wants the answer. */
export function abortedError(signal: AbortSignal): KubeError {
  return new KubeError('Aborted', 'the call was aborted', { cause: signal.reason });
}

/** Any thrown value as a KubeError; what is not one already came from the network. */
export function toKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError('Network', 'the connection to the API server failed', { cause: error });
}
