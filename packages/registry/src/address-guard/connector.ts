import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { AddressRefusedError } from '../errors.ts';
import { removeBrackets } from '../hosts/host-pattern.ts';
import type { AddressGuard } from './guard.ts';

/**
 * Resolves a name to all its addresses, the preferred ones first. Outside tests, `dns/` does this. Calls back soon after
 * the signal aborts.
 */
export type Resolve = (
  hostname: string,
  options: { readonly all: true; readonly signal: AbortSignal },
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** Resolves the names of one connector. */
export interface NameResolution {
  readonly resolve: Resolve;
  /** Returns the signal that ends a lookup which starts now: no request waits for the connection. */
  readonly signal: () => AbortSignal;
}

/**
 * Wraps a connector so that the guard checks every address at the time of connecting. An earlier check would not be
 * enough: a name may resolve to another address later, and a URL can spell an address in several ways. Every connection
 * of every hop uses this connector. The name is resolved once, before the timeout of the connector starts, and the socket
 * connects to the addresses that were checked.
 */
export function guardedConnector(
  guard: AddressGuard,
  options: buildConnector.BuildOptions,
  { resolve, signal }: NameResolution,
): buildConnector.connector {
  let checked: readonly LookupAddress[] = [];
  // A socket calls `lookup` while it is created, that is within `connect` below.
  const connect = buildConnector({ ...options, lookup: returnAddresses(() => checked) });
  return (target, callback) => {
    const host = removeBrackets(target.hostname);
    if (isIP(host) !== 0) {
      // Sockets do not call `lookup` for a host that is an IP address.
      const rule = guard.refusalOf(host);
      if (rule === undefined) connect(target, callback);
      else callback(new AddressRefusedError(rule), null);
      return;
    }
    resolve(host, { all: true, signal: signal() }, (error, addresses) => {
      const permitted = addresses.filter(({ address }) => guard.permits(address));
      if (error !== null || permitted.length === 0) {
        callback(error ?? refused(guard, addresses), null);
        return;
      }
      checked = permitted;
      connect(target, callback);
      checked = [];
    });
  };
}

/** Returns a `lookup` function for sockets that calls back with these addresses; with none, the connection fails. */
function returnAddresses(addresses: () => readonly LookupAddress[]): LookupFunction {
  return (_, options, callback) => {
    const all = addresses();
    const [first] = all;
    if (first === undefined) callback(new AddressRefusedError('no address'), '');
    else if (options.all === true) callback(null, [...all]);
    else callback(null, first.address, first.family);
  };
}

function refused(guard: AddressGuard, [first]: readonly LookupAddress[]): AddressRefusedError {
  return new AddressRefusedError((first && guard.refusalOf(first.address)) ?? 'no address');
}
