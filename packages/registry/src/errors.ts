import { CodedError } from '@archpolicy/core';

export type RegistryErrorCode =
  /** The registries file cannot be read or does not follow its schema. */
  | 'RegistriesFile'
  /** The URL of Redis is invalid. */
  | 'RedisUrl'
  /** Something tried to connect to an address that the guard refuses. */
  | 'AddressRefused'
  /** Something tried to connect to a host whose CA bundle or client certificate cannot be used. */
  | 'TlsFiles';

/** An unexpected error of this package. Messages contain no remote text and no secret, only constants and configuration. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  override readonly name = 'RegistryError';
}
