import { isJsonObject, isWithinBounds, jsonOrUndefined } from '@archpolicy/core';
import type { Json, JsonBounds, JsonObject } from '@archpolicy/core';
import type { UnusableKey } from '../metrics.ts';
import type { Credential, PullSecret } from './credential.ts';
import { parsePattern } from '../image/match-pattern.ts';
import type { MatchEntry } from '../image/match-index.ts';

/** A credential with the images to which it applies. */
export type ConfigEntry = MatchEntry<Credential>;

/** The usable entries of a docker config. */
export interface DockerConfig {
  readonly entries: readonly ConfigEntry[];
  /** The reasons why keys were left out, one for each of these keys. */
  readonly unusable: readonly UnusableKey[];
  /** Whether the file has no credential, but names the helpers of a docker client that would provide some. */
  readonly hasOnlyHelpers?: boolean;
}

/** The maximum size of a Secret. */
const MAX_CONFIG_LENGTH = 1024 * 1024;
const MAX_ENTRIES = 1_000;
/** Maximum length of a password or token. It is enough for the access tokens that clouds issue as passwords. */
const MAX_SECRET_LENGTH = 16 * 1024;

/**
 * Bounds of the JSON text. Parsing a text at these bounds takes 1 to 2 ms. A file of 1,000 entries with all fields has
 * half as many values.
 */
const JSON_BOUNDS: JsonBounds = { depth: 32, containers: 10_000, separators: 10_000, values: 10_000 };

/**
 * Parses a docker config: `config.json` with `auths`, or the older `.dockercfg` without `auths`. Invalid entries are
 * left out.
 *
 * @param source where the text comes from, for the log
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/credentialprovider/config.go
 * @example {"auths":{"registry.example.com:5000/team":{"auth":"dXNlcjpwYXNzd29yZA=="},"ghcr.io":{"username":"user","password":"…"}}}
 */
export function parseDockerConfig(text: string, type: PullSecret['type'], source?: string): DockerConfig {
  const json = parseJson(text);
  const auths = type === 'kubernetes.io/dockercfg' ? json : json?.['auths'];
  if (!isJsonObject(auths)) return { entries: [], unusable: [], hasOnlyHelpers: namesHelpers(json) };
  const credentials = Object.entries(auths)
    .slice(0, MAX_ENTRIES)
    .map(([key, value]) => [key, isJsonObject(value) ? parseCredential(value) : undefined] as const);
  const config = parseEntries(credentials, source);
  return { ...config, hasOnlyHelpers: config.entries.length === 0 && namesHelpers(json) };
}

/** https://docs.docker.com/reference/cli/docker/login/#credential-stores */
function namesHelpers(json: JsonObject | undefined): boolean {
  const { credsStore, credHelpers } = json ?? {};
  const hasStore = typeof credsStore === 'string' && credsStore !== '';
  return hasStore || (isJsonObject(credHelpers) && Object.keys(credHelpers).length > 0);
}

/** Parses the keys, which state to which images the credentials apply. Leaves out unusable keys. */
export function parseEntries(
  credentials: Iterable<readonly [key: string, Credential | undefined]>,
  source?: string,
): DockerConfig {
  const entries: ConfigEntry[] = [];
  const unusable: UnusableKey[] = [];
  for (const [key, value] of credentials) {
    const parse = parsePattern(key);
    if (parse.kind === 'failed') unusable.push(parse.failure);
    else if (value !== undefined) {
      entries.push({ pattern: parse.value, value: source === undefined ? value : { ...value, source } });
    }
  }
  return { entries, unusable };
}

/** Parses the credential of an entry. `auth` has precedence over `username` and `password`, as in the kubelet. */
function parseCredential(entry: JsonObject): Credential | undefined {
  const identityToken = parseSecretText(entry['identitytoken']);
  if (identityToken !== undefined) return { kind: 'identity-token', token: identityToken };
  const registryToken = parseSecretText(entry['registrytoken']);
  if (registryToken !== undefined) return { kind: 'bearer', token: registryToken };
  const auth = parseSecretText(entry['auth']);
  if (auth !== undefined) return decodeAuth(auth);
  return toBasicCredential(parseSecretText(entry['username']), parseSecretText(entry['password']));
}

/** Returns a credential, or undefined if the username cannot be sent in a Basic header (RFC 7617: no colon). */
export function toBasicCredential(username: string | undefined, password: string | undefined): Credential | undefined {
  if (username === undefined || password === undefined || username.includes(':')) return undefined;
  return { kind: 'basic', username, password };
}

function decodeAuth(auth: string): Credential | undefined {
  const text = Buffer.from(auth, 'base64').toString('utf8').replaceAll('\u0000', '');
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : toBasicCredential(text.slice(0, colon), text.slice(colon + 1));
}

function parseSecretText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_SECRET_LENGTH ? value : undefined;
}

function parseJson(text: string): JsonObject | undefined {
  if (text.length > MAX_CONFIG_LENGTH || !isWithinBounds(Buffer.from(text), JSON_BOUNDS)) return undefined;
  const json = jsonOrUndefined(text);
  return isJsonObject(json) ? json : undefined;
}
