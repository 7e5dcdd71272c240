export type RegistryErrorCode =
  /** The registries file cannot be read or does not follow its schema. */
  | 'REGISTRIES_FILE'
  /** The address of Redis cannot be understood. */
  | 'REDIS_URL'
  /** A connection to an address that the guard refuses was attempted. */
  | 'ADDRESS_REFUSED'
  /** A connection to a host whose CA bundle or client certificate cannot be used was attempted. */
  | 'TLS_FILES';

/** The unexpected in this package. Messages are constant or carry configuration only: never remote text, never a secret. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
  }
}
