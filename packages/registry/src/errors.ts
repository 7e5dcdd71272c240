import { CodedError } from '@archpolicy/core';

export type RegistryErrorCode =
  /** The registries file cannot be read or does not follow its schema. */
  | 'RegistriesFile'
  /** The address of Redis cannot be understood. */
  | 'RedisUrl'
  /** A connection to an address that the guard refuses was attempted. */
  | 'AddressRefused'
  /** A connection to a host whose CA bundle or client certificate cannot be used was attempted. */
  | 'TlsFiles';

/** The unexpected in this package. Messages are constant or carry configuration only: never remote text, never a secret. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  override readonly name = 'RegistryError';
}
