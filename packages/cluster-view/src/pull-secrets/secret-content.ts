import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { ParsedObject } from './read-through-cache.ts';

const DATA_KEYS = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
} as const;

/**
 * Credentials for some hundred registries, long keys of clouds among them. More would be parsed by the process that every
 * pod's creation waits for, at the wish of whoever may write a Secret.
 */
const MAX_JSON_CHARS = 256 * 1024;

/** The types of Secrets that the kubelet takes for pulling images. */
export type PullSecretType = keyof typeof DATA_KEYS;

/** What is in a pull secret. It tells its content to who asks for `json` and to nobody else: printed, it is empty. */
export class PullSecretContent {
  readonly type: PullSecretType;
  /** Of the Secret: what it opens is shown to the pods of this namespace. */
  readonly namespace: string;
  readonly #json: string;

  constructor(namespace: string, type: PullSecretType, json: string) {
    this.namespace = namespace;
    this.type = type;
    this.#json = json;
  }

  /** The docker config, base64 decoded, unparsed. */
  get json(): string {
    return this.#json;
  }
}

/**
 * The content of a Secret; undefined if it is not a pull secret.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
 * @example {"kind":"Secret","type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"eyJhdXRocyI6…"}}
 */
export function parsePullSecret(raw: JsonObject): ParsedObject<PullSecretContent> | undefined {
  const type = textAt(raw, 'type');
  if (type === undefined || !isPullSecretType(type)) return undefined;
  const data = textAt(objectAt(raw, 'data'), DATA_KEYS[type]);
  if (data === undefined) return undefined;
  const namespace = textAt(objectAt(raw, 'metadata'), 'namespace') ?? '';
  const json = Buffer.from(data, 'base64').toString('utf8');
  if (json.length > MAX_JSON_CHARS) return undefined;
  // A string that is not plain ASCII takes two bytes for each character.
  return { value: new PullSecretContent(namespace, type, json), bytes: json.length * 2 };
}

function isPullSecretType(type: string): type is PullSecretType {
  return Object.hasOwn(DATA_KEYS, type);
}
