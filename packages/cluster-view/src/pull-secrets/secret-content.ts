import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { ParsedObject } from './read-through-cache.ts';

const DATA_KEYS = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
} as const;

/**
 * Maximum length of the content. It is enough for the credentials of about a hundred registries, with long cloud keys.
 * It limits how much work a tenant's Secret can cause in the webhook, for which every pod creation waits.
 */
const MAX_JSON_CHARS = 256 * 1024;

/** The Secret types that the kubelet uses to pull images. */
export type PullSecretType = keyof typeof DATA_KEYS;

/**
 * The content of a pull secret. Only the getter `json` returns the content, so that it does not appear when the object
 * is printed or serialized.
 */
export class PullSecretContent {
  readonly type: PullSecretType;
  /** The Secret's namespace. Only pods of this namespace may use the credentials. */
  readonly namespace: string;
  readonly name: string | undefined;
  readonly #json: string;

  constructor(namespace: string, type: PullSecretType, json: string, name?: string) {
    this.namespace = namespace;
    this.name = name;
    this.type = type;
    this.#json = json;
  }

  /** The docker config: base64-decoded, not parsed. */
  get json(): string {
    return this.#json;
  }
}

/**
 * Extracts the content of a pull secret; undefined for any other Secret.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
 * @example {"kind":"Secret","type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"eyJhdXRocyI6…"}}
 */
export function parsePullSecret(raw: JsonObject): ParsedObject<PullSecretContent> | undefined {
  const type = textAt(raw, 'type');
  if (type === undefined || !isPullSecretType(type)) return undefined;
  const data = textAt(objectAt(raw, 'data'), DATA_KEYS[type]);
  if (data === undefined) return undefined;
  const metadata = objectAt(raw, 'metadata');
  const namespace = textAt(metadata, 'namespace') ?? '';
  const json = Buffer.from(data, 'base64').toString('utf8');
  if (json.length > MAX_JSON_CHARS) return undefined;
  // A string that is not plain ASCII takes two bytes for each character.
  return { value: new PullSecretContent(namespace, type, json, textAt(metadata, 'name')), bytes: json.length * 2 };
}

function isPullSecretType(type: string): type is PullSecretType {
  return Object.hasOwn(DATA_KEYS, type);
}
