import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, textAt } from '../json/read.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { parseDeclaredPlatform } from './declared-platform.ts';
import type { DeclaredPlatform } from './declared-platform.ts';

/**
 * Maximum length of an image configuration, which usually has a few kilobytes. A string of this length contains no more
 * values than are allowed in a whole document.
 */
const MAX_IMAGE_CHARACTERS = 256 * 1024;
/** The operating system of an image whose history names none. Schema 1 is older than images for other systems. */
const USUAL_OS = 'linux';

/** Whether the body of a manifest has the shape of Docker schema 1. It may have another shape at the same time. */
export function isSchema1(body: JsonObject): boolean {
  return body['schemaVersion'] === 1 || 'fsLayers' in body;
}

/**
 * Parses the platform of a Docker schema 1 manifest, which has no config blob. Runtimes build the config from the
 * newest entry of the history, so the platform is read from that entry. The top-level architecture counts only if the
 * entry has none, because registries that convert an image to schema 1 may write `amd64` there for any image.
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
 * Returns the image configuration of the first history entry, which is a JSON string in the manifest. Returns an empty
 * object if it is not valid.
 */
function parseNewestImage(body: JsonObject): JsonObject {
  const [first] = arrayAt(body, 'history');
  const text = isJsonObject(first) ? textAt(first, 'v1Compatibility') : undefined;
  // The bounds of the manifest count this string as one value, so it has a bound of its own.
  const image = text === undefined || text.length > MAX_IMAGE_CHARACTERS ? undefined : jsonOrUndefined(text);
  return isJsonObject(image) ? image : {};
}
