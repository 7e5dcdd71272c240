import { withoutUndefined } from '@archpolicy/core';
/** The parsed path of an API request. */
export interface Target {
  /** The collection over all namespaces, such as `/api/v1/pods`. */
  readonly collection: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** Parses a path such as `/api/v1/namespaces/shop/pods/web/status`; undefined if it is not a resource. */
export function parseTarget(path: string): Target | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const prefixLength = parts[0] === 'api' ? 2 : 3;
  const prefix = parts.slice(0, prefixLength).join('/');
  let rest = parts.slice(prefixLength);
  let namespace: string | undefined;
  // `namespaces/shop` is an object, `namespaces/shop/pods` a collection in that namespace.
  if (rest[0] === 'namespaces' && rest.length > 2) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [resource, name, subresource] = rest;
  if (resource === undefined) return undefined;
  return withoutUndefined({ collection: `/${prefix}/${resource}`, namespace, name, subresource });
}
