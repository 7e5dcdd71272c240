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
import type { Recorded } from './revert.ts';
import { utf8Length } from './quote.ts';

/** Version of the annotation's schema. Fields may be added to it; what is there keeps its meaning. */
const SCHEMA_VERSION = 1;
/** The annotation is information: it must never be what makes an object too large. */
export const MAX_DECISION_BYTES = 4096;
const NON_ASCII = /[^ -~]/;
/** A reference can have 1,024 characters; the beginning tells which image it is. */
const MAX_IMAGE_LENGTH = 256;

/** What the annotation says of one image. */
export type ImageRecord =
  | {
      readonly image: string;
      readonly digest?: string;
      readonly platforms: readonly string[];
      readonly source: FactSource;
    }
  | { readonly image: string; readonly unresolved: UnresolvedReason };

/** The `archpolicy.dev/decision` annotation, read. Information, never evidence: tenants can write it. */
export interface DecisionRecord extends Recorded {
  readonly policy: string;
  readonly kind: 'constrain' | 'gate';
  readonly reason: PlacementReason;
  readonly architectures: readonly NodeArchitecture[];
}

export type ParsedDecision =
  { readonly kind: 'record'; readonly record: DecisionRecord } | { readonly kind: 'unreadable' };

/**
 * The annotation's value: compact JSON of at most {@link MAX_DECISION_BYTES}. What does not fit is left out, the
 * images' facts first, and then what was added: the next call then takes our additions for the owner's.
 *
 * @param terms how many required terms the pod has
 */
export function formatDecision(
  decision: Constrain | Gate,
  knowledge: readonly ImageKnowledge[],
  added: readonly Addition[],
  terms: number,
): string {
  const said = {
    v: SCHEMA_VERSION,
    policy: decision.policy,
    kind: decision.kind,
    reason: decision.reason,
    architectures: decision.architectures,
    ...(decision.image !== undefined && { image: decision.image.slice(0, MAX_IMAGE_LENGTH) }),
  };
  const record = { terms, added };
  const full = JSON.stringify({ ...said, images: knowledge.map(imageRecord), ...record });
  if (fits(full)) return full;
  const short = JSON.stringify({ ...said, ...record });
  return fits(short) ? short : JSON.stringify(said);
}

/**
 * The record in a pod's annotation; undefined without one that we could have written.
 *
 * @example {"v":1,"policy":"default","kind":"constrain","reason":"Preferred","architectures":["amd64"],"images":[{"image":"nginx:1.27",
 *   "digest":"sha256:e692…","platforms":["linux/amd64","linux/arm64"],"source":"registry"}],"terms":0,"added":[{"path":"/spec/affinity",…}]}
 */
export function readDecision(annotations: PodAnnotations): DecisionRecord | undefined {
  const annotation = annotations[ANNOTATION_DECISION];
  const parsed = annotation === undefined ? undefined : parseDecision(annotation);
  return parsed?.kind === 'record' ? parsed.record : undefined;
}

/** Reads the annotation's value, which anybody can have written. */
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

/** Whether two annotations differ in nothing but where the facts came from: memory, after the registry was asked. */
export function saysTheSame(one: string, other: string): boolean {
  return withoutSources(one) === withoutSources(other);
}

function withoutSources(text: string): string {
  return text.replaceAll(/"source":"[a-z]{1,10}"/g, '"source":""');
}

function imageRecord({ image, inspection }: ImageKnowledge): ImageRecord {
  return { image: image.slice(0, MAX_IMAGE_LENGTH), ...factsOf(inspection) };
}

function factsOf(
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
  // Most texts are ASCII, and an expression finds that out in half the time of a count.
  return text.length <= MAX_DECISION_BYTES && (!NON_ASCII.test(text) || utf8Length(text) <= MAX_DECISION_BYTES);
}
