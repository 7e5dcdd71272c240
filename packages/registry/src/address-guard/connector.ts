import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { RegistryError } from '../errors.ts';
import type { AddressGuard } from './guard.ts';

/** Resolves a name to all its addresses. Except in tests, the system's resolver does this. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export const resolveBySystem: Resolve = (hostname, options, callback) => {
  systemLookup(hostname, options, callback);
};

/**
 * Wraps a connector so that the guard checks every address at the time of connecting. An earlier check would not be
 * enough, because a name may resolve to another address later, and a URL can spell an address in several ways. Every
 * connection of every hop uses this connector.
 */
export function guardedConnector(
  guard: AddressGuard,
  options: buildConnector.BuildOptions,
  resolve: Resolve = resolveBySystem,
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: guardedLookup(guard, resolve) });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    // Check a host that is an IP address here, because sockets do not call `lookup` for it.
    if (isIP(host) !== 0 && !guard.permits(host)) callback(refused(), null);
    else connect(target, callback);
  };
}

/** Returns a `lookup` function for sockets that leaves out the addresses that the guard refuses. */
export function guardedLookup(guard: AddressGuard, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const permitted = addresses.filter(({ address }) => guard.permits(address));
      const [first] = permitted;
      if (first === undefined) callback(refused(), '');
      else if (options.all === true) callback(null, [...permitted]);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(): RegistryError {
  return new RegistryError('AddressRefused', 'the address guard refuses every address of this host');
}
