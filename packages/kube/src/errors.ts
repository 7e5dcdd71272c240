import { CodedError } from '@archpolicy/core';

/**
 * Why a call to the API server failed. Error statuses that the caller handles are not failures.
 *
 * - `Aborted`: the caller's signal ended the call
 * - `Timeout`: the call's deadline passed; the server may or may not have acted
 * - `IdleTimeout`: a watch received nothing, not even a bookmark, for its idle timeout
 * - `Network`: no connection could be opened, or the connection broke
 * - `TooLarge`: a body or a line exceeded its limit
 * - `Malformed`: the response is not the expected JSON
 * - `Refused`: the response has an error status that the caller does not handle
 * - `BadConfig`: the kubeconfig cannot be used
 */
export type KubeErrorCode =
  'Aborted' | 'Timeout' | 'IdleTimeout' | 'Network' | 'TooLarge' | 'Malformed' | 'Refused' | 'BadConfig';

/** The only error class of `packages/kube`. `code` is the kind of failure, `cause` the underlying error. */
export class KubeError extends CodedError<KubeErrorCode> {
  override readonly name = 'KubeError';
  /** The HTTP status, if the server sent one. */
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

/** Builds the `Aborted` error for a call that the caller's signal ended. */
export function abortedError(signal: AbortSignal): KubeError {
  return new KubeError('Aborted', 'the call was aborted', { cause: signal.reason });
}

/**
 * Converts a thrown value to a KubeError. Any other error becomes `Network`, because only the connection throws other
 * errors.
 */
export function toKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError('Network', 'the connection to the API server failed', { cause: error });
}
