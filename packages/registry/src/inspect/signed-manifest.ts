import { isJsonArray, isJsonObject, jsonOrUndefined, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/** The signed payload in a body, if any. */
export type SignedManifest =
  | { readonly kind: 'unsigned' }
  /** The digest of the manifest is the digest of its payload. Only the payload is read. */
  | { readonly kind: 'signed'; readonly payload: Uint8Array }
  /** The signatures do not describe one and the same payload. */
  | { readonly kind: 'malformed' };

/** The payload is the first `length` bytes of the body, followed by `tail`. */
interface PayloadFormat {
  readonly length: number;
  readonly tail: string;
}

const UNSIGNED: SignedManifest = { kind: 'unsigned' };
const MALFORMED: SignedManifest = { kind: 'malformed' };

/** Maximum number of signatures. Usually a manifest has one, but libtrust adds signatures without a bound. */
const MAX_SIGNATURES = 16;
/** Maximum length of a protected header, which contains the end of the payload (white space and a brace) and a time. */
const MAX_PROTECTED_CHARACTERS = 1_024;
/** libtrust writes no padding. */
const BASE64URL = /^[A-Za-z0-9_-]*$/u;

/**
 * Restores the payload of a Docker schema 1 manifest (`…manifest.v1+prettyjws`). libtrust inserts the signatures before
 * the payload's closing brace. The protected header of each signature contains this position. The signatures are not
 * verified, because the digest proves the content.
 *
 * @param manifest the parsed `body`
 * @see https://github.com/docker/libtrust/blob/aabc10ec26b7/jsonsign.go (ParsePrettySignature)
 * @example {…,"signatures":[{"header":{"jwk":{…},"alg":"ES256"},"signature":"_2s2…","protected":"eyJmb3JtYXRMZW5n…"}]}
 * @example {"formatLength":516,"formatTail":"Cn0","time":"2016-05-06T12:00:00Z"} is such a protected header, decoded
 */
export function readSignedManifest(manifest: Json, body: Uint8Array): SignedManifest {
  if (!isJsonObject(manifest) || manifest['schemaVersion'] !== 1 || !('signatures' in manifest)) return UNSIGNED;
  const { signatures } = manifest;
  if (!isJsonArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES) return MALFORMED;
  const [first, ...others] = signatures.map(parsePayloadFormat);
  if (first === undefined || first.length > body.length) return MALFORMED;
  if (others.some((other) => other?.length !== first.length || other.tail !== first.tail)) return MALFORMED;
  return {
    kind: 'signed',
    payload: Buffer.concat([body.subarray(0, first.length), Buffer.from(first.tail, 'base64url')]),
  };
}

function parsePayloadFormat(signature: Json): PayloadFormat | undefined {
  const header = isJsonObject(signature) ? parseProtectedHeader(signature) : undefined;
  const length = header?.['formatLength'];
  const tail = header?.['formatTail'];
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0) return undefined;
  return typeof tail === 'string' && BASE64URL.test(tail) ? { length, tail } : undefined;
}

function parseProtectedHeader(signature: JsonObject): JsonObject | undefined {
  const text = textAt(signature, 'protected');
  if (text === undefined || text.length > MAX_PROTECTED_CHARACTERS || !BASE64URL.test(text)) return undefined;
  const header = jsonOrUndefined(Buffer.from(text, 'base64url').toString('utf8'));
  return isJsonObject(header) ? header : undefined;
}
