import type { ClientTls } from '@archpolicy/tls';
import { normalHost } from '../hosts/host-pattern.ts';
import type { Registries } from './registries.ts';
import type { RequestLimit } from './schema.ts';

/** How a host is reached. Two equal ones share connections; a changed one starts with new connections. */
export interface ConnectionSettings {
  readonly allowAddresses: readonly string[];
  readonly refuseAddresses: readonly string[];
  /** The host's own CA bundle and client certificate. While they are unusable, no HTTPS connection is made. */
  readonly tls?: ClientTls | 'unusable';
}

/** How many requests a host may get. */
export interface HostLimits {
  /** In its usual form, so that all spellings share their limits. */
  readonly host: string;
  readonly requestLimit?: RequestLimit;
}

/** The connection settings of a host's entry in the registries file, or the defaults. */
export function connectionFor(host: string, registries: Registries): ConnectionSettings {
  const entry = registries.entryFor(host);
  const tls = entry === undefined ? undefined : registries.tlsFor(entry);
  return {
    allowAddresses: entry?.allowAddresses ?? [],
    refuseAddresses: registries.config.refuseAddresses,
    ...(tls === undefined ? {} : { tls: tls.kind === 'usable' ? tls.tls : 'unusable' }),
  };
}

/** The limits of a host's entry in the registries file. */
export function limitsFor(host: string, registries: Registries): HostLimits {
  const requestLimit = registries.entryFor(host)?.requestLimit;
  return { host: normalHost(host), ...(requestLimit === undefined ? {} : { requestLimit }) };
}
