import { KubeError } from '../errors.ts';
import type { ApiResponse } from './response.ts';

/** The verbs of the API server's audit log. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** The resources, with subresources, that requests are counted by. The set is closed, because it is used as a metric label. */
const RESOURCES = [
  ...['archpolicies', 'archpolicies/status', 'cronjobs', 'events', 'jobs', 'leases', 'namespaces', 'nodes', 'pods'],
  ...['pods/eviction', 'replicasets', 'secrets', 'serviceaccounts', 'configmaps', 'mutatingwebhookconfigurations'],
] as const;
export type CountedResource = (typeof RESOURCES)[number] | 'other';

/** Statuses with a label value of their own. Other statuses are counted by class. */
const STATUSES = [
  ...['200', '201', '400', '401', '403', '404', '409', '410', '422', '429', '500', '502', '503', '504'],
] as const;
const CLASSES = { 2: '2xx', 3: '3xx', 4: '4xx', 5: '5xx' } as const;
const ERRORS = {
  Aborted: 'aborted',
  Timeout: 'timeout',
  IdleTimeout: 'timeout',
  Network: 'network',
  TooLarge: 'invalid',
  Malformed: 'invalid',
  Refused: 'invalid',
  BadConfig: 'invalid',
} as const satisfies Readonly<Record<KubeError['code'], string>>;
/** The status of a response, or why there was no usable response. */
export type StatusLabel =
  (typeof STATUSES)[number] | (typeof CLASSES)[keyof typeof CLASSES] | (typeof ERRORS)[KubeError['code']];

const VERBS = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** Returns the verb of a request of one object or, for a GET without a name, of a collection. */
export function toVerb(method: keyof typeof VERBS, path: string): Verb {
  return method === 'GET' && parsePath(path).name === undefined ? 'list' : VERBS[method];
}

/** Returns the resource of a path, as `resourcePath` builds it. */
export function toResource(path: string): CountedResource {
  const { resource, subresource } = parsePath(path);
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  return RESOURCES.find((known) => known === full) ?? 'other';
}

export function toStatusLabel({ status }: Pick<ApiResponse, 'status'>): StatusLabel {
  const text = String(status);
  return STATUSES.find((known) => known === text) ?? toClass(status);
}

export function toErrorLabel(error: unknown): StatusLabel {
  return error instanceof KubeError ? ERRORS[error.code] : 'network';
}

function toClass(status: number): StatusLabel {
  if (status >= 500) return CLASSES[5];
  if (status >= 400) return CLASSES[4];
  return status >= 300 ? CLASSES[3] : CLASSES[2];
}

interface ParsedPath {
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** @example /apis/apps/v1/namespaces/shop/replicasets/web, /api/v1/nodes, /api/v1/namespaces/shop */
function parsePath(path: string): ParsedPath {
  const parts = path.split('/').slice(1);
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [resource = '', name, subresource] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  return { resource, name, subresource };
}
