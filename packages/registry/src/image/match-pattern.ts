import { failed, ok } from '@archpolicy/core';
import type { Result } from '@archpolicy/core';
import { removePort } from '../hosts/host-pattern.ts';
import type { UnusableKey } from '../metrics.ts';
import { parseLabelGlob } from './label-glob.ts';
import type { LabelGlob } from './label-glob.ts';

/** The name of an image, with which credentials are matched. The registry is in lower case. */
export interface ImageName {
  readonly registry: string;
  readonly repository: string;
}

/** Makes the type nominal, so that only `parsePattern` can create values of this type. */
declare const parsed: unique symbol;

/**
 * The images to which a credential applies: a host with its port, and a leading path. The labels of the host may be
 * globs. The cost of matching a parsed pattern with an image is bounded.
 */
export interface ParsedMatchPattern {
  readonly [parsed]: true;
  /** The host in lower case, with its port. Each run of `*` is reduced to one `*`. */
  readonly host: string;
  /**
   * The labels of the host if the host contains a `*`. Absent otherwise, because the host is then compared as a whole.
   */
  readonly globs?: readonly LabelGlob[];
  /** Port of the host; empty without one. */
  readonly port: string;
  /** The text with which the repository must begin, such as `team` or `team/`; empty for any repository. */
  readonly path: string;
  /** Host and path. The kubelet tries keys in reverse alphabetical order, so that longer paths come first. */
  readonly key: string;
}

const MAX_KEY_LENGTH = 1024;
/** The limits of DNS for a host (without its port) and for a label. */
const MAX_HOST_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;
/** Limit of the distribution grammar for a repository's name. */
const MAX_PATH_LENGTH = 255;
/**
 * Maximum number of labels in a host with wildcards, because each label is compared separately.
 * `*.dkr.ecr.*.amazonaws.com.cn` has 7.
 */
export const MAX_WILDCARD_HOST_LABELS = 16;
/** Maximum number of wildcards in one label. Consecutive wildcards count once. */
const MAX_LABEL_WILDCARDS = 4;

/**
 * Parses a key of a docker config file or an entry of `matchImages` as the kubelet does: a URL whose scheme is optional. Its
 * host may have a port, its path is used without a leading `/v1` or `/v2`, and its user, query and fragment are ignored. Only
 * `*` is a wildcard: a `?` begins the query, and `[a-z]` is no host for the kubelet either.
 * https://kubernetes.io/docs/concepts/containers/images/#config-json and
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/credentialprovider/keyring.go
 */
export function parsePattern(text: string): Result<ParsedMatchPattern, UnusableKey> {
  if (text.length > MAX_KEY_LENGTH) return failed('too-long');
  const { host, path } = splitAddress(text);
  if (host === '' || path === undefined) return failed('malformed');
  const name = removePort(host);
  const labels = name.split('.').map(parseLabelGlob);
  if (path.length > MAX_PATH_LENGTH || isTooLong(labels)) return failed('too-long');
  const hasWildcards = name.includes('*');
  if (hasWildcards && !isBounded(labels)) return failed('too-many-wildcards');
  const port = host.slice(name.length + 1);
  const whole = port === '' ? name : host;
  const pattern: Omit<ParsedMatchPattern, typeof parsed> = {
    host: whole,
    ...(hasWildcards && { globs: labels }),
    port,
    path,
    key: path === '' ? whole : `${whole}/${path}`,
  };
  return ok(pattern as ParsedMatchPattern);
}

function splitAddress(text: string): { readonly host: string; readonly path: string | undefined } {
  const [address = ''] = text.replace(/^https?:\/\//i, '').split(/[?#]/, 1);
  const [authority = ''] = address.split('/', 1);
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  return { host: host.replaceAll(/\*+/g, '*'), path: parsePath(address.slice(authority.length)) };
}

/** Returns the path without its first slash. Returns undefined when a percent-encoding is invalid. */
function parsePath(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
      .replace(/^\/v[12](?=\/)/, '')
      .slice(1);
  } catch {
    return undefined;
  }
}

function isTooLong(labels: readonly LabelGlob[]): boolean {
  const lengths = labels.map(({ literalLength }) => literalLength);
  const hostLength = lengths.reduce((sum, length) => sum + length, labels.length - 1);
  return hostLength > MAX_HOST_LENGTH || lengths.some((length) => length > MAX_LABEL_LENGTH);
}

function isBounded(labels: readonly LabelGlob[]): boolean {
  return labels.length <= MAX_WILDCARD_HOST_LABELS && labels.every(({ wildcards }) => wildcards <= MAX_LABEL_WILDCARDS);
}

/** Whether the repository begins with the path, as a text: `registry/team` also matches `registry/team-a/app`. */
export function matchesPath({ path }: ParsedMatchPattern, repository: string): boolean {
  return repository.startsWith(path);
}
