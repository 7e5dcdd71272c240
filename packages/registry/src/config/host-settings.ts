import type { ClientTls } from '@archpolicy/tls';
import type { GuardSettings } from '../address-guard/guard.ts';
import type { ClusterSharing } from '../hosts/cluster-sharing.ts';
import { normalizeHost } from '../hosts/host-pattern.ts';
import type { Proxy } from './proxy-url.ts';
import type { Registries } from './registries.ts';
import type { RequestLimit } from './schema.ts';

/** The settings of connections to a host. When the settings of a host change, its next requests use new connections. */
export interface ConnectionSettings {
  readonly guard: GuardSettings;
  /** The proxy through which the host is reached. */
  readonly proxy?: Proxy;
  /** The host's own CA bundle and client certificate. While they are unusable, no HTTPS connection is made. */
  readonly tls?: ClientTls | 'unusable';
}

/** The rate limit of a host. */
export interface HostLimits {
  /** The normalized host, so that all spellings share one limit. */
  readonly host: string;
  /** Which clusters with the same Redis share the state of the limit. */
  readonly sharing: ClusterSharing;
  readonly requestLimit?: RequestLimit;
}

/** Returns the connection settings of a host's entry in the registries file, or the defaults. */
export function connectionFor(host: string, registries: Registries): ConnectionSettings {
  const entry = registries.entryFor(host);
  const { refuseAddresses, nat64Prefixes } = registries.config;
  const tls = entry === undefined ? undefined : registries.tlsFor(entry);
  return {
    guard: { refused: refuseAddresses, allowed: entry?.allowAddresses ?? [], nat64Prefixes },
    ...(tls === undefined ? {} : { tls: tls.kind === 'usable' ? tls.tls : 'unusable' }),
  };
}

/** Returns the limits of a host's entry in the registries file. */
export function limitsFor(host: string, registries: Registries): HostLimits {
  const requestLimit = registries.entryFor(host)?.requestLimit;
  const sharing = registries.sharingOf(host);
  return { host: normalizeHost(host), sharing, ...(requestLimit === undefined ? {} : { requestLimit }) };
}
