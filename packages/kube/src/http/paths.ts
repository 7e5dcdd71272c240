/** A resource of the API. `group` is empty for the core group. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** The plural, such as `pods`. */
  readonly resource: string;
}

export const PODS: Resource = { group: '', version: 'v1', resource: 'pods' };
export const NODES: Resource = { group: '', version: 'v1', resource: 'nodes' };
export const NAMESPACES: Resource = { group: '', version: 'v1', resource: 'namespaces' };
export const CONFIG_MAPS: Resource = { group: '', version: 'v1', resource: 'configmaps' };
export const SECRETS: Resource = { group: '', version: 'v1', resource: 'secrets' };
export const SERVICE_ACCOUNTS: Resource = { group: '', version: 'v1', resource: 'serviceaccounts' };
export const DEPLOYMENTS: Resource = { group: 'apps', version: 'v1', resource: 'deployments' };
export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
export const WEBHOOK_CONFIGURATIONS: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'mutatingwebhookconfigurations',
};
export const EVENTS: Resource = { group: 'events.k8s.io', version: 'v1', resource: 'events' };

/**
 * The location of an object or a collection. Without a namespace, the object is cluster-scoped, or the collection
 * includes all namespaces.
 */
export interface ObjectLocation {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** Returns the URL path of a collection, an object or its subresource. */
export function resourcePath(resource: Resource, location: ObjectLocation = {}): string {
  const base = resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version];
  const parts = [
    ...base,
    ...(location.namespace === undefined ? [] : ['namespaces', location.namespace]),
    resource.resource,
    ...(location.name === undefined ? [] : [location.name]),
    ...(location.subresource === undefined ? [] : [location.subresource]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** Query parameters; undefined ones are omitted. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}
