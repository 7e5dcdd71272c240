import type { ClientTls } from '@archpolicy/tls';
import type { RequestLimit } from './schema.ts';

/** How a host is reached. Two equal ones share connections; a changed one starts with new connections. */
export interface ConnectionSettings {
  readonly allowAddresses: readonly string[];
  readonly refuseAddresses: readonly string[];
  /** The host's own CA bundle and client certificate. While they are unusable, no HTTPS connection is made. */
  readonly tls?: ClientTls | 'unusable';
}

/** The host of a request, with its settings from the registries file. */
export interface Target {
  /** In its usual form, so that all spellings share their limits. */
  readonly host: string;
  readonly connection: ConnectionSettings;
  readonly requestLimit?: RequestLimit;
}
