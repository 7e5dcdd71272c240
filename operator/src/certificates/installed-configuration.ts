import { arrayAt, isJsonObject, objectAt, stringAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/** A webhook of ours in the webhook configuration. */
export interface InstalledEntry {
  /** Its position in the list. */
  readonly index: number;
  readonly name: string;
  /** The `caBundle` as PEM; empty if it is missing. */
  readonly bundle: string;
  /** The host by which the API server calls it; undefined if the client configuration is invalid. */
  readonly host: string | undefined;
}

/** The webhook configuration as read. */
export interface InstalledConfiguration {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly entries: readonly InstalledEntry[];
}

/** The names of our webhooks end with this. An entry with another name is not ours, and stays as it is. */
const OUR_DOMAIN = '.archpolicy.dev';

/**
 * Parses a MutatingWebhookConfiguration.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/admissionregistration/v1/types.go (`WebhookClientConfig`)
 * @example {"metadata":{"resourceVersion":"4711"},"webhooks":[{"name":"pods.archpolicy.dev","clientConfig":{"caBundle":"LS0t…",
 *   "service":{"name":"archpolicy-webhook","namespace":"archpolicy-system","path":"/mutate","port":443}}}]}
 */
export function parseConfiguration(body: Json): InstalledConfiguration {
  const object = isJsonObject(body) ? body : {};
  const metadata = objectAt(object, 'metadata');
  return {
    uid: textAt(metadata, 'uid') ?? '',
    resourceVersion: textAt(metadata, 'resourceVersion') ?? '',
    entries: arrayAt(object, 'webhooks')
      .map((entry, index) => parseEntry(entry, index))
      .filter((entry) => entry !== undefined),
  };
}

function parseEntry(raw: Json, index: number): InstalledEntry | undefined {
  if (!isJsonObject(raw)) return undefined;
  const name = textAt(raw, 'name');
  if (name?.endsWith(OUR_DOMAIN) !== true) return undefined;
  const client = objectAt(raw, 'clientConfig');
  const bundle = Buffer.from(stringAt(client, 'caBundle') ?? '', 'base64').toString('utf8');
  return { index, name, bundle, host: findHost(client) };
}

/** The API server calls a Service as `NAME.NAMESPACE.svc`, and checks the certificate for that name. */
function findHost(client: JsonObject): string | undefined {
  const url = textAt(client, 'url');
  if (url !== undefined) {
    const host = URL.canParse(url) ? new URL(url).hostname : '';
    return host === '' ? undefined : host.replace(/^\[(.*)\]$/u, '$1');
  }
  const service = objectAt(client, 'service');
  const [name, namespace] = [textAt(service, 'name'), textAt(service, 'namespace')];
  return name === undefined || namespace === undefined ? undefined : `${name}.${namespace}.svc`;
}

/**
 * Builds the JSON Patch that sets the bundle of each entry. It is rejected with 409 if the configuration has changed since it was read, and
 * with 422 if an entry has another name.
 */
export function bundlePatch({ resourceVersion, entries }: InstalledConfiguration, bundle: string): JsonObject[] {
  const value = Buffer.from(bundle).toString('base64');
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...entries.map(({ index, name }) => ({ op: 'test', path: `/webhooks/${index}/name`, value: name })),
    ...entries.map(({ index }) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value })),
  ];
}
