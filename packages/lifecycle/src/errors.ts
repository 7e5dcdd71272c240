import { CodedError } from '@archpolicy/core';

/**
 * Why a command cannot continue.
 *
 * - `NotRemoved`: an object or a gate is still there when the time for it is over
 * - `BadManifests`: the file with the manifests cannot be used
 */
export type LifecycleErrorCode = 'NotRemoved' | 'BadManifests';

/** The only error class of this package. Its message states what to do. */
export class LifecycleError extends CodedError<LifecycleErrorCode> {
  override readonly name = 'LifecycleError';
}
