import { CodedError } from '@archpolicy/core';

export type RegistryErrorCode =
  /** The registries file cannot be read or does not follow its schema. */
  | 'RegistriesFile'
  /** The URL of Redis is invalid. */
  | 'RedisUrl'
  /** Something tried to connect to an address that the guard refuses. */
  | 'AddressRefused'
  /** The name of a host does not exist, or has no addresses. */
  | 'NameNotFound'
  /** No DNS server gave an answer about the name of a host. */
  | 'NoNameServerAnswered'
  /** The lookup of a name was cancelled, because no request waited for it. */
  | 'LookupCancelled'
  /** The lookup of a name did not start, because too many others run or wait. */
  | 'LookupQueued'
  /** The proxy did not open a tunnel. */
  | 'ProxyFailed'
  /** Something tried to connect to a host whose CA bundle or client certificate cannot be used. */
  | 'TlsFiles';

/** An unexpected error of this package. Messages contain no remote text and no secret, only constants and configuration. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  override readonly name = 'RegistryError';
}

/** The address guard refuses every address of a host. */
export class AddressRefusedError extends RegistryError {
  /** The range that contains the first refused address, and its origin. */
  readonly rule: string;

  constructor(rule: string) {
    super('AddressRefused', `the address guard refuses every address of this host (${rule})`);
    this.rule = rule;
  }
}

/** The proxy refused a tunnel. */
export class ProxyError extends RegistryError {
  readonly status: number;

  constructor(status: number) {
    super('ProxyFailed', `the proxy refused a tunnel with status ${status}`);
    this.status = status;
  }
}
