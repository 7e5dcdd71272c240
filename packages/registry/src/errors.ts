export type RegistryErrorCode =
  /** The registries file cannot be read or does not follow its schema. */
  | 'REGISTRIES_FILE'
  /** A connection to an address that the guard refuses was attempted. */
  | 'ADDRESS_REFUSED'
  /** The inspector was used after it was closed. */
  | 'CLOSED';

/** The unexpected in this package. Messages are constant or carry configuration only: never remote text, never a secret. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
  }
}
