import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import type { FactSource, Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import type { PodAnnotations } from '../kubernetes/annotations.ts';
import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, textAt } from '../json/read.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { formatPlatform } from '../platform/parse.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import type { Addition } from './additions.ts';
import type { Constrain, Gate, PlacementReason } from './decision.ts';
import { PLACEMENT_REASONS } from './decision.ts';
import type { RecordedAdditions } from './revert.ts';
import { utf8Length } from './quote.ts';

/** Version of the annotation's schema. New fields may be added; existing fields keep their meaning. */
const SCHEMA_VERSION = 1;
/** Maximum size of the annotation. The API server allows 64 times as much for all annotations of an object. */
export const MAX_DECISION_BYTES = 4096;
const NON_ASCII = /[^ -~]/;
/** Maximum length of an image in the annotation. A reference may have 1,024 characters, but its start identifies it. */
const MAX_IMAGE_LENGTH = 256;

/** The entry of one image in the annotation. */
export type ImageRecord =
  | {
      readonly image: string;
      readonly digest?: string;
      readonly platforms: readonly string[];
      readonly source: FactSource;
    }
  | { readonly image: string; readonly unresolved: UnresolvedReason };

/** A parsed annotation `archpolicy.dev/decision`. Tenants can write the annotation, so it proves nothing. */
export interface DecisionRecord extends RecordedAdditions {
  readonly policy: string;
  readonly kind: 'constrain' | 'gate';
  readonly reason: PlacementReason;
  readonly architectures: readonly NodeArchitecture[];
}

export type ParsedDecision =
  { readonly kind: 'record'; readonly record: DecisionRecord } | { readonly kind: 'unreadable' };

/**
 * Formats the annotation's value: compact JSON of at most {@link MAX_DECISION_BYTES}. If the value would be longer, the
 * facts of the images are omitted. If that is not enough, the additions are omitted as well. The next call then treats
 * these additions as part of the owner's manifest.
 *
 * @param terms number of required terms of the pod with the additions; 1 if it has none
 */
export function formatDecision(
  decision: Constrain | Gate,
  knowledge: readonly ImageKnowledge[],
  added: readonly Addition[],
  terms: number,
): string {
  const header = {
    v: SCHEMA_VERSION,
    policy: decision.policy,
    kind: decision.kind,
    reason: decision.reason,
    architectures: decision.architectures,
    ...(decision.image !== undefined && { image: decision.image.slice(0, MAX_IMAGE_LENGTH) }),
  };
  const record = { terms, added };
  const full = JSON.stringify({ ...header, images: knowledge.map(formatImage), ...record });
  if (fits(full)) return full;
  const short = JSON.stringify({ ...header, ...record });
  return fits(short) ? short : JSON.stringify(header);
}

/**
 * Returns the record in a pod's annotation; undefined if there is no annotation or it is not valid.
 *
 * @example {"v":1,"policy":"default","kind":"constrain","reason":"Preferred","architectures":["amd64"],"images":[{"image":"nginx:1.27",
 *   "digest":"sha256:e692…","platforms":["linux/amd64","linux/arm64"],"source":"registry"}],"terms":1,"added":[{"path":"/spec/affinity",…}]}
 */
export function readDecision(annotations: PodAnnotations): DecisionRecord | undefined {
  const annotation = annotations[ANNOTATION_DECISION];
  const parsed = annotation === undefined ? undefined : parseDecision(annotation);
  return parsed?.kind === 'record' ? parsed.record : undefined;
}

/** Parses the annotation's value. It is untrusted: any client can write it. */
export function parseDecision(text: string): ParsedDecision {
  const raw = text.length > MAX_DECISION_BYTES ? undefined : jsonOrUndefined(text);
  if (!isJsonObject(raw) || raw['v'] !== SCHEMA_VERSION) return { kind: 'unreadable' };
  const { kind, terms } = raw as Readonly<Record<string, Json | undefined>>;
  const reason = PLACEMENT_REASONS.find((known) => known === raw['reason']);
  if ((kind !== 'constrain' && kind !== 'gate') || reason === undefined) return { kind: 'unreadable' };
  return {
    kind: 'record',
    record: {
      policy: textAt(raw, 'policy') ?? '',
      kind,
      reason,
      architectures: arrayAt(raw, 'architectures').filter(isArchitectureName),
      ...(typeof terms === 'number' && { terms }),
      added: arrayAt(raw, 'added').flatMap(parseAddition),
    },
  };
}

/** Whether two annotations are equal except for the sources of the image facts, such as `memory` and `registry`. */
export function equalExceptSources(one: string, other: string): boolean {
  return withoutSources(one) === withoutSources(other);
}

function withoutSources(text: string): string {
  return text.replaceAll(/"source":"[a-z]{1,10}"/g, '"source":""');
}

function formatImage({ image, inspection }: ImageKnowledge): ImageRecord {
  return { image: image.slice(0, MAX_IMAGE_LENGTH), ...formatFacts(inspection) };
}

function formatFacts(
  inspection: Inspection,
):
  | { readonly digest?: string; readonly platforms: readonly string[]; readonly source: FactSource }
  | { readonly unresolved: UnresolvedReason } {
  if (inspection.kind === 'unresolved') return { unresolved: inspection.reason };
  const { digest, platforms } = inspection.facts;
  return {
    ...(digest !== '' && { digest }),
    platforms: platforms.map(formatPlatform),
    source: inspection.source,
  };
}

function parseAddition(raw: Json): readonly Addition[] {
  if (!isJsonObject(raw)) return [];
  const path = textAt(raw, 'path');
  const value = raw['value'];
  return path === undefined || value === undefined ? [] : [{ path, value }];
}

function isArchitectureName(value: Json): value is NodeArchitecture {
  return typeof value === 'string' && isNodeArchitecture(value);
}

function fits(text: string): boolean {
  // Most values are ASCII, and a test for ASCII takes half as long as counting the bytes.
  return text.length <= MAX_DECISION_BYTES && (!NON_ASCII.test(text) || utf8Length(text) <= MAX_DECISION_BYTES);
}
