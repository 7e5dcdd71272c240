import type { Resolve } from '../address-guard/connector.ts';
import { RegistryError } from '../errors.ts';
import type { HostResolver, HostResolution } from './host-resolver.ts';

/** Returns the resolver in the form that connectors use. */
export function resolveHosts(resolver: HostResolver): Resolve {
  return (hostname, { signal }, callback) => {
    resolver.resolve(hostname, signal).then(
      (resolution) => {
        if (resolution.kind === 'resolved') callback(null, resolution.addresses);
        else callback(toError(resolution), []);
      },
      (error: unknown) => {
        callback(new RegistryError('LookupCancelled', 'the lookup of the host failed', { cause: error }), []);
      },
    );
  };
}

function toError({ kind }: Exclude<HostResolution, { readonly kind: 'resolved' }>): RegistryError {
  switch (kind) {
    case 'not-found':
      return new RegistryError('NameNotFound', 'the name of this host has no addresses');
    case 'no-answer':
      return new RegistryError('NoNameServerAnswered', 'no DNS server gave an answer about this host');
    case 'cancelled':
      return new RegistryError('LookupCancelled', 'the lookup of the name of this host was cancelled');
    case 'queued':
      return new RegistryError('LookupQueued', 'the lookup of the name of this host did not start');
  }
}
