import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { Platform } from '../platform/platform.ts';
import { isDigest } from '../reference/reference.ts';
import { parseDeclaredPlatform } from './declared-platform.ts';
import type { DeclaredPlatform } from './declared-platform.ts';
import {
  ATTESTATION_ANNOTATION,
  isEmptyConfig,
  isImageConfig,
  isIndexMediaType,
  isManifestMediaType,
} from './media-types.ts';
import { isSchema1, parseSchema1 } from './schema1.ts';

/** What a manifest or index says of content elsewhere: as far as it has to be read. */
export interface Descriptor {
  readonly digest: string;
  /** As declared, without parameters, in lower case; empty when absent. */
  readonly mediaType: string;
}

/** One entry of an image index, as far as platforms are concerned. */
export type IndexEntry =
  | {
      readonly kind: 'platform';
      readonly platform: Platform;
      /** Absent: its descriptor has no valid digest. */
      readonly child?: Descriptor;
    }
  /** No platform on the descriptor: that child has to be read. */
  | { readonly kind: 'undeclared'; readonly child: Descriptor }
  /** Says nothing of where the image runs: an attestation, an unknown platform, or an unreadable descriptor. */
  | { readonly kind: 'skipped'; readonly because: 'attestation' | 'unknown-platform' | 'malformed' };

/** What a registry serves under `/manifests/`, told apart by the body alone. */
export type Manifest =
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }
  /** A single manifest: its architecture stands in the config blob, always. */
  | { readonly kind: 'image'; readonly config: Descriptor }
  /** A single manifest with a config of another kind: a platform only if that config declares one. */
  | { readonly kind: 'artifact'; readonly config: Descriptor }
  /** An artifact that cannot declare a platform (empty config, or an artifact manifest). */
  | { readonly kind: 'neutral' }
  /** Docker schema 1: the platform is in the manifest itself. */
  | { readonly kind: 'schema1'; readonly declared: DeclaredPlatform }
  | { readonly kind: 'malformed' };

/** The largest index known to us has 60 entries. A registry's bound on bytes leaves room for more than this. */
const MAX_INDEX_ENTRIES = 10_000;

const MALFORMED: Manifest = { kind: 'malformed' };

/**
 * Parses the body of a manifest. The Content-Type header has no say: it is wrong, missing or carries parameters in the
 * field, and the body tells the shapes apart. A body of two shapes at once is malformed, as runtimes have it
 * (CVE-2021-41190).
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md and `manifest.md` beside it
 * @example {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"digest":"sha256:e692…",
 *   "mediaType":"application/vnd.oci.image.manifest.v1+json","size":7143,"platform":{"architecture":"arm64","os":"linux","variant":"v8"}}]}
 * @example {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[…],
 *   "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:b5b2…","size":7023}}
 */
export function parseManifest(body: Json): Manifest {
  if (!isJsonObject(body)) return MALFORMED;
  const shapes = [isSchema1(body), 'manifests' in body, 'config' in body || 'layers' in body, isArtifactManifest(body)];
  if (shapes.filter(Boolean).length !== 1) return MALFORMED;
  if (shapes[0] === true) return { kind: 'schema1', declared: parseSchema1(body) };
  if (shapes[3] === true) return { kind: 'neutral' };
  return shapes[1] === true ? parseIndex(body) : parseImage(body);
}

/** The artifact manifest of image-spec 1.1's release candidates: `blobs` instead of `config` and `layers`. */
function isArtifactManifest(body: JsonObject): boolean {
  return mediaTypeOf(body) === 'application/vnd.oci.artifact.manifest.v1+json';
}

function parseIndex(body: JsonObject): Manifest {
  const manifests = body['manifests'];
  if (!Array.isArray(manifests) || manifests.length > MAX_INDEX_ENTRIES) return MALFORMED;
  if (isManifestMediaType(mediaTypeOf(body))) return MALFORMED;
  return { kind: 'index', entries: manifests.map(parseEntry) };
}

function parseEntry(value: Json): IndexEntry {
  if (!isJsonObject(value)) return { kind: 'skipped', because: 'malformed' };
  if (isAttestation(value)) return { kind: 'skipped', because: 'attestation' };
  const declared = parseDeclaredPlatform(value['platform']);
  if (declared.kind === 'unknown') return { kind: 'skipped', because: 'unknown-platform' };
  const child = parseDescriptor(value);
  if (declared.kind === 'platform') return { ...declared, ...(child !== undefined && { child }) };
  return child === undefined ? { kind: 'skipped', because: 'malformed' } : { kind: 'undeclared', child };
}

function isAttestation(entry: JsonObject): boolean {
  const annotations = entry['annotations'];
  return isJsonObject(annotations) && ATTESTATION_ANNOTATION in annotations;
}

function parseImage(body: JsonObject): Manifest {
  const config = body['config'];
  if (!isJsonObject(config) || isIndexMediaType(mediaTypeOf(body))) return MALFORMED;
  const descriptor = parseDescriptor(config);
  if (descriptor === undefined) return MALFORMED;
  if (isEmptyConfig(descriptor.mediaType)) return { kind: 'neutral' };
  return { kind: isImageConfig(descriptor.mediaType) ? 'image' : 'artifact', config: descriptor };
}

function parseDescriptor(value: JsonObject): Descriptor | undefined {
  const digest = value['digest'];
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return { digest, mediaType: mediaTypeOf(value) };
}

function mediaTypeOf(value: JsonObject): string {
  const mediaType = value['mediaType'];
  if (typeof mediaType !== 'string') return '';
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
