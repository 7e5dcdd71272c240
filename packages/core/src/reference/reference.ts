import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';

/** A key that no other file can name, so that only `parseReference` creates references. */
declare const parsed: unique symbol;

interface ImageName {
  readonly [parsed]: true;
  /**
   * The registry's host and optional port, in upper and lower case as in the text. `docker.io` if the text has none.
   */
  readonly registry: string;
  /** The path below the host. On docker.io, `library/` is added to a path of one segment. */
  readonly repository: string;
}

/** A reference with a tag only: `registry/repository:tag`. The tag is mutable. */
export interface TagReference extends ImageName {
  /** `latest` if the text has neither tag nor digest. */
  readonly tag: string;
  readonly digest?: undefined;
}

/** A reference with a digest: `registry/repository@digest`. It may also have a tag, which the digest overrides. */
export interface DigestReference extends ImageName {
  readonly tag?: string;
  /** `algorithm:hex`. */
  readonly digest: string;
}

/**
 * A valid image reference: only `parseReference` returns one.
 * Grammar: https://pkg.go.dev/github.com/distribution/reference.
 *
 * @example registry.example.com:5000/team/app:1.2@sha256:e692…
 */
export type ImageReference = TagReference | DigestReference;

/** Why a text is not an image reference. */
export type InvalidReferenceReason = 'Empty' | 'TooLong' | 'Registry' | 'Repository' | 'Tag' | 'Digest' | 'Identifier';

/** Maximum length of the input. It is larger than the sum of the limits of registry, repository, tag and digest. */
const MAX_REFERENCE_LENGTH = 1024;
/** The distribution grammar's limit for a repository name. */
const MAX_REPOSITORY_LENGTH = 255;
/** The limit of a DNS name. */
const MAX_HOST_LENGTH = 253;
const MAX_PORT = 65_535;

/** The tag of a reference without tag and digest. */
const DEFAULT_TAG = 'latest';

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_LEGACY = 'index.docker.io';

const HOST_LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const IPV6_LITERAL = /^\[[a-fA-F0-9:]{2,45}\]$/;
const PATH_SEGMENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** Match digests of the algorithms that container runtimes support. */
const DIGESTS: readonly RegExp[] = [/^sha256:[a-f0-9]{64}$/, /^sha512:[a-f0-9]{128}$/, /^sha384:[a-f0-9]{96}$/];

/** Returns whether a text is a digest of a supported algorithm (sha256, sha384 or sha512, lower-case hex). */
export function isDigest(text: string): boolean {
  return DIGESTS.some((pattern) => pattern.test(text));
}

/** Parses the `image` field of a container as a container runtime does. Never throws. */
export function parseReference(text: string): Result<ImageReference, InvalidReferenceReason> {
  if (text === '') return failed('Empty');
  if (text.length > MAX_REFERENCE_LENGTH) return failed('TooLong');
  // Container engines interpret a bare name of 64 hex digits as an image id.
  if (IDENTIFIER.test(text)) return failed('Identifier');
  const { name, tag, digest } = split(text);
  const { registry, repository } = locate(name);
  if (!isRegistryHost(registry)) return failed('Registry');
  if (!isRepository(repository)) return failed('Repository');
  if (tag !== undefined && !TAG.test(tag)) return failed('Tag');
  if (digest !== undefined && !isDigest(digest)) return failed('Digest');
  return ok(makeReference({ registry, repository }, tag, digest));
}

/** Returns the canonical text of a reference. Parsing this text returns the same reference. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** Returns whether a text is a registry address: DNS name, IPv4 or bracketed IPv6, with an optional port. */
export function isRegistryHost(text: string): boolean {
  const bracket = text.lastIndexOf(']');
  const colon = text.lastIndexOf(':');
  const hasPort = colon > bracket;
  const host = hasPort ? text.slice(0, colon) : text;
  if (hasPort && !isPort(text.slice(colon + 1))) return false;
  if (host.startsWith('[')) return IPV6_LITERAL.test(host);
  return host.length <= MAX_HOST_LENGTH && host.split('.').every((label) => HOST_LABEL.test(label));
}

function split(text: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = named.lastIndexOf(':');
  if (colon <= named.lastIndexOf('/')) return { name: named, tag: undefined, digest };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1), digest };
}

/** Splits a name into registry and repository. The first segment is a registry if it has a dot, colon or capital, or is `localhost`. */
function locate(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  const registry = isHost && first !== DOCKER_HUB_LEGACY ? first : DOCKER_HUB;
  const path = isHost ? name.slice(slash + 1) : name;
  const official = registry === DOCKER_HUB && path !== '' && !path.includes('/');
  return { registry, repository: official ? `library/${path}` : path };
}

function isRepository(path: string): boolean {
  return path.length <= MAX_REPOSITORY_LENGTH && path.split('/').every((segment) => PATH_SEGMENT.test(segment));
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= MAX_PORT;
}

function makeReference(
  name: Omit<ImageName, typeof parsed>,
  tag: string | undefined,
  digest: string | undefined,
): ImageReference {
  if (digest === undefined) return { ...name, tag: tag ?? DEFAULT_TAG } as TagReference;
  return { ...name, ...(tag !== undefined && { tag }), digest } as DigestReference;
}
