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

/** A reference from a manifest or index to other content. Contains only the fields that are used. */
export interface Descriptor {
  readonly digest: string;
  /** The declared media type, without parameters and in lower case. Empty if it is absent. */
  readonly mediaType: string;
}

/** One entry of an image index. */
export type IndexEntry =
  | {
      readonly kind: 'platform';
      readonly platform: Platform;
      /** The manifest of the platform. Absent if the descriptor has no valid digest. */
      readonly child?: Descriptor;
    }
  /** The descriptor has no platform, so its manifest must be read. */
  | { readonly kind: 'undeclared'; readonly child: Descriptor }
  /** The entry declares no platform: it is an attestation, has an unknown platform, or is not a valid descriptor. */
  | { readonly kind: 'skipped'; readonly reason: 'attestation' | 'unknown-platform' | 'malformed' };

/** A document that registries serve under `/manifests/`. */
export type Manifest =
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }
  /** A single manifest of an image. Its architecture is always in the config blob. */
  | { readonly kind: 'image'; readonly config: Descriptor }
  /** A single manifest with another kind of config. It has a platform only if the config declares one. */
  | { readonly kind: 'artifact'; readonly config: Descriptor }
  /** An artifact that cannot declare a platform (empty config, or an artifact manifest). */
  | { readonly kind: 'neutral' }
  /** Docker schema 1: the platform is in the manifest itself. */
  | { readonly kind: 'schema1'; readonly declared: DeclaredPlatform }
  | { readonly kind: 'malformed' };

/**
 * Maximum number of entries of an index; the largest known index has 60. A separate bound is needed, because the
 * maximum size of a registry response allows more entries.
 */
const MAX_INDEX_ENTRIES = 10_000;

const MALFORMED: Manifest = { kind: 'malformed' };

/**
 * Parses the body of a manifest. The kind of manifest is determined from the fields of the body. The Content-Type
 * header is ignored, because registries may omit it, or send it with a wrong value or with parameters. A body that has
 * the fields of two kinds is malformed, as in runtimes (CVE-2021-41190).
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

/**
 * Whether the body is an artifact manifest of the image-spec 1.1 release candidates, which has `blobs` instead of
 * `config` and `layers`.
 */
function isArtifactManifest(body: JsonObject): boolean {
  return readMediaType(body) === 'application/vnd.oci.artifact.manifest.v1+json';
}

function parseIndex(body: JsonObject): Manifest {
  const manifests = body['manifests'];
  if (!Array.isArray(manifests) || manifests.length > MAX_INDEX_ENTRIES) return MALFORMED;
  if (isManifestMediaType(readMediaType(body))) return MALFORMED;
  return { kind: 'index', entries: manifests.map(parseEntry) };
}

function parseEntry(value: Json): IndexEntry {
  if (!isJsonObject(value)) return { kind: 'skipped', reason: 'malformed' };
  if (isAttestation(value)) return { kind: 'skipped', reason: 'attestation' };
  const declared = parseDeclaredPlatform(value['platform']);
  if (declared.kind === 'unknown') return { kind: 'skipped', reason: 'unknown-platform' };
  const child = parseDescriptor(value);
  if (declared.kind === 'platform') return { ...declared, ...(child !== undefined && { child }) };
  return child === undefined ? { kind: 'skipped', reason: 'malformed' } : { kind: 'undeclared', child };
}

function isAttestation(entry: JsonObject): boolean {
  const annotations = entry['annotations'];
  return isJsonObject(annotations) && ATTESTATION_ANNOTATION in annotations;
}

function parseImage(body: JsonObject): Manifest {
  const config = body['config'];
  if (!isJsonObject(config) || isIndexMediaType(readMediaType(body))) return MALFORMED;
  const descriptor = parseDescriptor(config);
  if (descriptor === undefined) return MALFORMED;
  if (isEmptyConfig(descriptor.mediaType)) return { kind: 'neutral' };
  return { kind: isImageConfig(descriptor.mediaType) ? 'image' : 'artifact', config: descriptor };
}

function parseDescriptor(value: JsonObject): Descriptor | undefined {
  const digest = value['digest'];
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return { digest, mediaType: readMediaType(value) };
}

function readMediaType(value: JsonObject): string {
  const mediaType = value['mediaType'];
  if (typeof mediaType !== 'string') return '';
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
