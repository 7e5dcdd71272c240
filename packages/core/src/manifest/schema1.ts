import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, textAt } from '../json/read.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { parseDeclaredPlatform } from './declared-platform.ts';
import type { DeclaredPlatform } from './declared-platform.ts';

/** A string of this length contains at most the values allowed in a whole document. Images have a few kilobytes. */
const MAX_IMAGE_CHARACTERS = 256 * 1024;
/** The OS of an image whose history names none: this format is older than images for other operating systems. */
const USUAL_OS = 'linux';

/** Whether the body of a manifest has the shape of Docker schema 1, alone or with another one. */
export function isSchema1(body: JsonObject): boolean {
  return body['schemaVersion'] === 1 || 'fsLayers' in body;
}

/**
 * Parses the platform of a Docker schema 1 manifest, which has no config blob. The newest entry of the history contains
 * what the config would, and runtimes build the config from it. Registries that convert an image to schema 1 may write
 * `amd64` at the top for any image, so the top-level architecture counts only if that entry has none.
 *
 * @see https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-1.md
 * @example {"schemaVersion":1,"name":"library/hello","tag":"v1","architecture":"amd64","fsLayers":[{"blobSum":"sha256:2d71…"}],
 *   "history":[{"v1Compatibility":"{\"architecture\":\"amd64\",\"os\":\"linux\",\"id\":\"22b9…\",\"config\":{…}}"}]}
 */
export function parseSchema1(body: JsonObject): DeclaredPlatform {
  const newest = parseNewestImage(body);
  const architecture = textAt(newest, 'architecture') ?? textAt(body, 'architecture');
  if (architecture === undefined) return { kind: 'undeclared' };
  const os = textAt(newest, 'os') ?? USUAL_OS;
  const variant = textAt(newest, 'variant');
  return parseDeclaredPlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

/**
 * Returns the image configuration of the first history entry, a JSON string in the manifest; empty if it is not valid.
 */
function parseNewestImage(body: JsonObject): JsonObject {
  const [first] = arrayAt(body, 'history');
  const text = isJsonObject(first) ? textAt(first, 'v1Compatibility') : undefined;
  // The bounds of the manifest count this string as one value.
  const image = text === undefined || text.length > MAX_IMAGE_CHARACTERS ? undefined : jsonOrUndefined(text);
  return isJsonObject(image) ? image : {};
}
